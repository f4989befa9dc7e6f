"""`/metrics`: what the cycles have done, what is open for each client, and how the process is.

No label has a value that the configuration or this source does not bound, and none comes from an applicant.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from syncd import __version__
from syncd.deadline import Deadline
from syncd.errors import MediaStoreFailed
from syncd.liveness import Liveness
from syncd.store import status
from syncd.store.status import ClientStatus
from syncd.sync.client_cycle import Outsides
from syncd.web.app import Request, Response
from syncd.web.counts import Counts
from syncd.web.look import Look, Seen

# All in seconds.
# For how long the state of the clients, and the free space, are not asked for again.
EVERY = 10.0
# How long the statement may take, as Postgres is told.
LONGEST = 5.0

_ID = "client_id"

# The gauges of a client: the name, what it is, and its value from the status and the seconds since then. What has no
# value is left out.
_OF_A_CLIENT: tuple[tuple[str, str, Callable[[ClientStatus, float], float | None]], ...] = (
    (
        "syncd_last_good_cycle_age_seconds",
        "Time since a cycle of the client has ended well; absent before the first one.",
        lambda s, age: None if s.last_ok_age is None else s.last_ok_age + age,
    ),
    (
        "syncd_unconfirmed_applications",
        "Applications that are stored and not confirmed.",
        lambda s, age: s.unconfirmed,
    ),
    (
        "syncd_oldest_unconfirmed_age_seconds",
        "Age of the oldest application that is not confirmed; 0 if there is none.",
        lambda s, age: 0.0 if s.oldest_unconfirmed_age is None else s.oldest_unconfirmed_age + age,
    ),
    ("syncd_pending_media", "Files that are not fetched yet.", lambda s, age: s.pending_media),
    (
        "syncd_oldest_pending_media_age_seconds",
        "Age of the oldest file that is not fetched yet; 0 if there is none.",
        lambda s, age: 0.0 if s.oldest_pending_age is None else s.oldest_pending_age + age,
    ),
    (
        "syncd_quarantined_profiles",
        "Profiles in quarantine, which could not be read.",
        lambda s, age: s.quarantined,
    ),
    (
        "syncd_consecutive_failures",
        "Cycles that have failed since the last one that ended well.",
        lambda s, age: s.failures,
    ),
    (
        "syncd_lease_held",
        "1 if a living process, this or another one, works for the client.",
        lambda s, age: float(s.holder is not None),
    ),
)


@dataclass(frozen=True, slots=True)
class Statuses:
    """The status of each client, and the seconds that Postgres took to tell it."""

    clients: list[ClientStatus]
    seconds: float


@dataclass(frozen=True, slots=True)
class Free:
    """Free bytes: below the media root, and for temporary files."""

    media: int
    temporary: int


class Metrics(Collector):
    """Collects all metrics of a process, and answers `/metrics`.

    Args:
        client_ids: returns the clients that are synced now. Series of others are left out.
        media_root: the folder of the files.
    """

    def __init__(
        self,
        counts: Counts,
        liveness: Liveness,
        client_ids: Callable[[], list[str]],
        outsides: Outsides,
        media_root: Path,
    ) -> None:
        self._counts, self._liveness, self._client_ids = counts, liveness, client_ids

        def look_at_clients(asks: Callable[[str], None]) -> Statuses:
            asks("Postgres")
            began = time.perf_counter()
            clients = outsides.database.transact(
                lambda connection: _statuses(connection, client_ids()), Deadline(LONGEST), patience=0
            )
            return Statuses(clients, time.perf_counter() - began)

        def look_at_disks(asks: Callable[[str], None]) -> Free:
            asks("The disk")
            try:
                return Free(_free(media_root), _free(Path(tempfile.gettempdir())))
            except OSError as error:
                raise MediaStoreFailed(f"a disk cannot be asked for its space ({error.strerror})") from None

        self._statuses = Look(look_at_clients, every=EVERY)
        self._disks = Look(look_at_disks, every=EVERY)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        # Three small files of /proc, and the number of open files.
        ProcessCollector(registry=self._registry)

    def answer(self, request: Request) -> Response:
        """Answer in the format that the request accepts: Prometheus' text, or OpenMetrics."""
        encode, content_type = choose_encoder(request.header("Accept"))
        return Response(200, encode(self._registry), content_type)

    def describe(self) -> Iterable[Metric]:
        """Describe nothing, so that the registry asks nobody when it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        # Both at a time, so that one that stands still delays the answer no longer than two do.
        self._disks.begin()
        statuses, free = self._statuses.newest(), self._disks.newest()
        client_ids = self._client_ids()
        yield from self._counters(client_ids)
        yield from _of_clients(statuses, set(client_ids))
        yield from self._of_cycles(client_ids)
        yield from _of_the_process(statuses, free.value)

    def _counters(self, client_ids: list[str]) -> Iterator[Metric]:
        counts = self._counts
        cycles = CounterMetricFamily(
            "syncd_cycles", "Cycles that have ended, by outcome.", labels=[_ID, "outcome"]
        )
        stages = CounterMetricFamily(
            "syncd_stage_seconds", "Time that cycles have spent in each stage.", labels=["stage"]
        )
        profiles = CounterMetricFamily("syncd_profiles", "Profiles, by result.", labels=[_ID, "result"])
        media = CounterMetricFamily("syncd_media_bytes", "Bytes of files that were stored.", labels=[_ID])
        retries = CounterMetricFamily(
            "syncd_retries", "Requests to PitchYou that were repeated, by reason.", labels=["reason"]
        )
        with counts.lock:
            counts.keep(client_ids)
            for labels, number in counts.cycles.items():
                cycles.add_metric(labels, number)
            for labels, number in counts.profiles.items():
                profiles.add_metric(labels, number)
            for client_id, number in counts.media_bytes.items():
                media.add_metric([client_id], number)
            for stage, seconds in counts.stage_seconds.items():
                stages.add_metric([stage], seconds)
            for reason, number in counts.retries.items():
                retries.add_metric([reason], number)
        yield from (cycles, stages, profiles, media, retries)

    def _of_cycles(self, client_ids: list[str]) -> Iterator[Metric]:
        report = {(each.client_id, each.kind) for each in self._liveness.report()}
        for name, kind, what in (
            ("syncd_cycle_stalled", "stalled", "1 if the client's cycle in this process stands still."),
            ("syncd_cycle_overdue", "overdue", "1 if a cycle of the client is due and has not begun."),
        ):
            gauge = GaugeMetricFamily(name, what, labels=[_ID])
            for client_id in client_ids:
                gauge.add_metric([client_id], float((client_id, kind) in report))
            yield gauge


def _statuses(connection: Connection, client_ids: list[str]) -> list[ClientStatus]:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LONGEST:g}s'")
    return status.of_clients(connection, client_ids)


def _free(folder: Path) -> int:
    # The media root may not be there yet; its disk is that of the folder that is.
    existing = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    found = os.statvfs(existing)
    return found.f_bavail * found.f_frsize


def _of_clients(statuses: Seen[Statuses], client_ids: set[str]) -> Iterator[Metric]:
    """Yield what was open at the last look. Without Postgres, ages go on and counts stay; `syncd_database_up` says so."""
    known = (
        [each for each in statuses.value.clients if each.client_id in client_ids] if statuses.value else []
    )
    for name, what, value_of in _OF_A_CLIENT:
        gauge = GaugeMetricFamily(name, what, labels=[_ID])
        for each in known:
            if (value := value_of(each, statuses.age)) is not None:
                gauge.add_metric([each.client_id], value)
        yield gauge


def _of_the_process(statuses: Seen[Statuses], free: Free | None) -> Iterator[Metric]:
    if free:
        yield GaugeMetricFamily("syncd_media_free_bytes", "Free space of the media root.", free.media)
        yield GaugeMetricFamily("syncd_tmp_free_bytes", "Free space for temporary files.", free.temporary)
    up = float(statuses.problem is None)
    yield GaugeMetricFamily("syncd_database_up", "1 if Postgres has answered the newest question.", up)
    if statuses.value:
        yield GaugeMetricFamily(
            "syncd_scrape_query_seconds", "Time that Postgres took to tell the state.", statuses.value.seconds
        )
    build = GaugeMetricFamily("syncd_build_info", "1, with the version of syncd.", labels=["version"])
    build.add_metric([__version__], 1.0)
    yield build
