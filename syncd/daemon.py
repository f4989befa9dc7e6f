"""Runs the daemon: each client on its own schedule, one cycle per client at a time, until a stop is requested."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, LeaseHeld, Stopped, SyncdError
from syncd.logs import get_logger
from syncd.recruiting.templates import sync_templates
from syncd.signals import EXIT_NOW
from syncd.sync.client_cycle import Client, Outsides, run_once

log = get_logger(__name__)

# All in seconds.
# How long a cycle may take to finish its current step after a stop. A container gets 30 s in all.
GRACE = 25.0
# The longest time from a stop to the end of the process, even if Postgres or PitchYou does not respond.
LIMIT = 28.0
# How often to check the clock, and by how much it may differ: time servers make smaller corrections all the time.
CLOCK_LOOK = 5.0
CLOCK_TOLERANCE = 1.0
# How often to fetch the interview templates, how long that may take, and when to retry after a failure.
TEMPLATES_EVERY = 86_400.0
TEMPLATES_LIMIT = 120.0
TEMPLATES_AGAIN = 3600.0
# When to retry a cycle that Postgres interrupted or prevented.
AFTER_OUTAGE = 30.0

SPARE_THREADS = 2


def end_in_time(stop: threading.Event) -> None:
    """Make sure that the process ends `LIMIT` seconds after a stop.

    A database that accepts connections but does not respond can block any thread, even the one that releases the leases.
    """

    def wait() -> None:
        stop.wait()
        time.sleep(LIMIT)
        log.error("daemon_stopped_in_the_middle")
        # A crash at any point is safe.
        os._exit(EXIT_NOW)

    threading.Thread(target=wait, name="end-in-time", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A client and its schedule."""

    client: Client
    trigger: BaseTrigger


class Daemon:
    """Runs cycles in threads, one for each client, so that no client waits for another.

    A cycle that fails is logged, and runs again on its schedule. Only a stop ends the daemon.
    """

    def __init__(self, clients: Sequence[Scheduled], outsides: Outsides, stop: threading.Event) -> None:
        self._clients, self._outsides, self._stop = clients, outsides, stop
        self._running = 0
        self._idle = threading.Condition()
        # Clients whose cycle is running.
        self._busy: set[str] = set()
        # Those of them that need another cycle directly afterwards.
        self._requested: set[str] = set()
        self._standing_by: set[str] = set()
        # A run is skipped while the previous run is still going on. That is intended, but APScheduler would warn.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(len(clients) + SPARE_THREADS),
                # A separate thread, so that a slow list of templates does not delay any cycle.
                "templates": ThreadPoolExecutor(1),
            },
            # One run makes up for all missed runs, however late. A second instance finds the client busy and ends, unless
            # the first instance has just finished its last step, which APScheduler cannot know.
            job_defaults={"max_instances": 2, "coalesce": True, "misfire_grace_time": None},
        )

    def run(self) -> bool:
        """Run until a stop is requested. Return whether every cycle then finished its step within `GRACE`."""
        for scheduled in self._clients:
            self._scheduler.add_job(
                self._cycle,
                scheduled.trigger,
                args=[scheduled.client],
                id=scheduled.client.plan.client_id,
                next_run_time=datetime.now(UTC),
            )
            self._scheduler.add_job(
                self._templates,
                IntervalTrigger(seconds=TEMPLATES_EVERY, timezone=UTC),
                args=[scheduled.client],
                id=_templates_job(scheduled.client),
                executor="templates",
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()
        log.info("daemon_started", clients=len(self._clients))
        self._watch_the_clock()
        log.info("daemon_stopping")
        self._scheduler.shutdown(wait=False)
        finished = self._wait_for_cycles()
        log.info("daemon_stopped") if finished else log.error("daemon_stopped_in_the_middle")
        return finished

    def _watch_the_clock(self) -> None:
        """Wait for a stop. If the clock is set back meanwhile, start every client's next cycle at once.

        APScheduler uses the time of day, so it would wait for the clock to catch up. If the clock is set forward, or the
        machine was suspended, cycles may be due while APScheduler still sleeps, because it sleeps for a fixed number of
        seconds. Then wake it up.
        """
        offset = _clock_offset()
        while not self._stop.wait(CLOCK_LOOK):
            before, offset = offset, _clock_offset()
            if offset < before - CLOCK_TOLERANCE:
                log.warning("clock_set_back", seconds=round(before - offset))
                for scheduled in self._clients:
                    self._look_again(scheduled.client.plan.client_id, 0.0)
                    self._look_again(_templates_job(scheduled.client), 0.0)
            elif offset > before + CLOCK_TOLERANCE:
                self._scheduler.wakeup()

    def _wait_for_cycles(self) -> bool:
        ends_at = time.monotonic() + GRACE
        with self._idle:
            while self._running and (left := ends_at - time.monotonic()) > 0:
                self._idle.wait(left)
            return not self._running

    def sync_now(self) -> None:
        """Start each client's next cycle at once. If a cycle is running, start another one after it."""
        log.info("sync_requested")
        for client_id in (scheduled.client.plan.client_id for scheduled in self._clients):
            with self._idle:
                busy = client_id in self._busy
                if busy:
                    self._requested.add(client_id)
            if not busy:
                self._look_again(client_id, 0.0)

    def _cycle(self, client: Client) -> None:
        """Run a cycle, then another one as long as one was requested meanwhile. Do nothing if one is running already.

        This method logs and swallows every failure, since no caller could handle it.
        """
        client_id = client.plan.client_id
        with self._idle:
            if client_id in self._busy:
                return
            self._busy.add(client_id)
        more = True
        while more:
            with self._at_work() as may_begin:
                if may_begin:
                    self._run_cycle(client, client_id)
            with self._idle:
                more = may_begin and client_id in self._requested
                self._requested.discard(client_id)
                if not more:
                    self._busy.discard(client_id)

    @contextmanager
    def _at_work(self) -> Iterator[bool]:
        """Make a stop wait for the work inside the `with`. Yield False if the stop was requested first."""
        with self._idle:
            may_begin = not self._stop.is_set()
            self._running += may_begin
        try:
            yield may_begin
        finally:
            with self._idle:
                self._running -= may_begin
                self._idle.notify_all()

    def _run_cycle(self, client: Client, client_id: str) -> None:
        try:
            ended = run_once(
                client,
                self._outsides,
                trigger="schedule",
                stop=self._stop,
                next_start_at=lambda: self._next_start_of(client_id),
            )
            self._standing_by.discard(client_id)
            if isinstance(ended.error, DatabaseUnavailable):
                self._tell(client_id, ended.error)
                self._look_again(client_id, AFTER_OUTAGE)
        except LeaseHeld as error:
            self._stand_by(client_id, error)
        except DatabaseUnavailable as error:
            self._tell(client_id, error)
            self._look_again(client_id, AFTER_OUTAGE)
        except Exception:
            log.exception("cycle_crashed", client_id=client_id)

    def _next_start_of(self, client_id: str) -> datetime | None:
        job = self._scheduler.get_job(client_id)
        return job.next_run_time if job else None

    @staticmethod
    def _tell(client_id: str, error: DatabaseUnavailable) -> None:
        """Log that Postgres refuses syncd or keeps blocking it. The `Database` logs an outage, once for all clients."""
        if not error.logged:
            log.error("cycle_failed", client_id=client_id, error=error)

    def _templates(self, client: Client) -> None:
        """Update the interview templates. The cycle does not include them, because nothing is lost without them."""
        with self._at_work() as may_begin:
            if may_begin:
                self._look_at_templates(client, client.plan.client_id)

    def _look_at_templates(self, client: Client, client_id: str) -> None:
        try:
            synced = sync_templates(
                client.api, self._outsides.database, Deadline(TEMPLATES_LIMIT, stop=self._stop)
            )
            log.info("templates_synced", client_id=client_id, listed=synced.listed, **asdict(synced.recorded))
            if not synced.whole:
                log.warning(
                    "templates_incomplete",
                    client_id=client_id,
                    unreadable=synced.unreadable,
                    error=synced.more,
                )
        except Stopped:
            return
        except SyncdError as error:
            # The `Database` has logged an outage, once for all clients.
            if isinstance(error, DatabaseUnavailable) and not error.refused:
                self._look_again(_templates_job(client), AFTER_OUTAGE)
                return
            log.warning("templates_failed", client_id=client_id, error=error)
            self._look_again(_templates_job(client), TEMPLATES_AGAIN)
        except Exception:
            log.exception("templates_crashed", client_id=client_id)

    def _stand_by(self, client_id: str, held: LeaseHeld) -> None:
        """Retry before the lease expires, since the process that holds it may die."""
        if client_id not in self._standing_by:
            log.info("client_synced_elsewhere", client_id=client_id, reason=str(held))
        self._standing_by.add(client_id)
        self._look_again(client_id, self._outsides.keeper.ttl / 3)

    def _look_again(self, job_id: str, seconds: float) -> None:
        """Start the job's next run in `seconds`, unless it is due earlier."""
        look_again = datetime.now(UTC) + timedelta(seconds=seconds)
        # The scheduler may have been stopped meanwhile.
        with suppress(JobLookupError):
            job = self._scheduler.get_job(job_id)
            if job and job.next_run_time > look_again:
                self._scheduler.modify_job(job_id, next_run_time=look_again)


def _templates_job(client: Client) -> str:
    return f"templates of {client.plan.client_id}"


def _clock_offset() -> float:
    """Return the time of day minus the monotonic clock.

    The process may be paused between the two reads. Then read both again.
    """
    while True:
        began, now = time.monotonic(), time.time()
        if time.monotonic() - began < CLOCK_TOLERANCE / 2:
            return now - began
