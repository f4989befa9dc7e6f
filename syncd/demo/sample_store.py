"""Fills a store with invented applications, so that dashboards can be built before go-live.

The rows of `ats` are copied in; no file is on disk. Real cycles against a simulated PitchYou that lists nothing compute the
reports, so dashboards show what they will show in production.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.demo import sample_rows
from syncd.demo.play import demo_folder, demo_logs, demo_plan, demo_postgres
from syncd.demo.sample import ZONE, Sample
from syncd.demo.sample_text import SampleStore
from syncd.embedded import EmbeddedPostgres
from syncd.errors import Stopped
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.recruiting.links import Wanted, issue_links
from syncd.recruiting.templates import sync_templates
from syncd.sandbox import Sandbox, SandboxConfig
from syncd.sandbox.config import Tenant
from syncd.sandbox.content.vocabulary import SOURCES
from syncd.settings import MediaSettings
from syncd.store import migrate
from syncd.store.database import Database
from syncd.store.roles import ROLES_SQL
from syncd.sync.client_cycle import Client, Outsides, run_once
from syncd.sync.lease_keeper import LeaseKeeper

T = TypeVar("T")

# The tenants, their labels, and their shares of the applications.
TENANTS = (("acme", "Acme Pflege", 0.75), ("nordlicht", "Nordlicht Logistik", 0.25))
READER = "analyst"
# Of the oldest tenth, each 40th application is erased.
_ERASED = 40


def run_sample(
    *,
    applications: int,
    seed: int,
    keep: bool,
    stop: threading.Event,
    tell: Callable[[str], None],
    ready: Callable[[SampleStore], None],
) -> None:
    """Fill a store, call `ready`, and keep it until `stop` is set.

    Args:
        applications: how many, of all tenants together.
        keep: return at once after `ready`, and keep the database running and its folder.

    Raises:
        Stopped: `stop` was set before the store was ready.
        SyncdError: the embedded Postgres could not be started, or a cycle failed.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        folder = stack.enter_context(demo_folder(keep))
        stack.enter_context(demo_logs(folder / "syncd.log"))
        # On disk, since a million applications are 3 GB.
        server = stack.enter_context(demo_postgres(folder / "postgres", keep=keep))
        url = server.url.replace("postgresql://", "postgresql+psycopg://", 1)
        migrate.upgrade(url)
        with Database(url) as database:
            fill(
                database,
                folder,
                applications=applications,
                seed=seed,
                until=datetime.now(ZONE).date(),
                stop=stop,
                tell=tell,
            )
        reader_url = _add_reader(server)
        ready(
            SampleStore(
                applications,
                time.monotonic() - began,
                reader_url,
                server.url,
                str(server.bin_dir / "psql"),
                f"kill -INT {server.pid}",
                str(folder),
            )
        )
        if not keep:
            stop.wait()


def fill(
    database: Database,
    folder: Path,
    *,
    applications: int,
    seed: int,
    until: date,
    stop: threading.Event,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Fill a migrated, empty database with applications until this day.

    Args:
        folder: where an empty media root may be made.
    """
    with ExitStack() as stack:
        sandbox = stack.enter_context(_sandbox())
        keeper = stack.enter_context(LeaseKeeper(database, ttl=60))
        outsides = Outsides(database, Vault(folder / "media", max_bytes=MediaSettings().max_bytes), keeper)
        tenants = []
        left = applications
        for client_id, label, share in TENANTS:
            count = left if client_id == TENANTS[-1][0] else round(applications * share)
            left -= count
            api = stack.enter_context(PitchYou(client_id, _SECRET, base_url=sandbox.url))
            plan = replace(demo_plan(client_id), label=label, cycle_deadline=600.0)
            tenants.append(_Tenant(Client(plan, api), outsides, sandbox, stop))
            tenants[-1].write(Sample(client_id, count, seed, until))
            tell(f"{label}: {count:,} applications are stored.")
        tenants[0].transact(lambda connection: connection.execute(_ANALYZE))
        tell("Now the reports are computed, as real cycles do it.")
        for tenant in tenants:
            tenant.refresh()
            tenant.erase()
            tenant.refresh()


# Plans for tables that grew from nothing are bad without it.
_ANALYZE = text("ANALYZE")
_SECRET = "sandbox-secret"
_BEHIND = text("SELECT EXISTS (SELECT FROM report_data.due WHERE client_id = :client_id)")
_ISSUED = text(
    """
    UPDATE ats.apply_link l SET created_at = j.opened_at
    FROM ats.job j WHERE l.client_id = :client_id AND j.client_id = l.client_id AND j.external_reference_id = l.job
    """
)


class _Tenant:
    """What is done for one tenant of the sample."""

    def __init__(self, client: Client, outsides: Outsides, sandbox: Sandbox, stop: threading.Event) -> None:
        self._client, self._outsides, self._sandbox, self._stop = client, outsides, sandbox, stop
        self._id = client.plan.client_id
        self._ids: list[str] = []

    def transact(self, work: Callable[[Connection], T]) -> T:
        self._check()
        return self._outsides.database.transact(work, Deadline(600))

    def cycle(self) -> None:
        """Run a real cycle. PitchYou lists nothing, so it only registers the tenant or computes reports."""
        ended = run_once(self._client, self._outsides, trigger="command", stop=self._stop)
        self._check()
        if ended.error:
            raise ended.error

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped("the demo was stopped and has removed everything it created")

    def refresh(self) -> None:
        """Run cycles until the reports show everything."""
        while self.transact(lambda c: c.execute(_BEHIND, {"client_id": self._id}).scalar_one()):
            self.cycle()

    def write(self, sample: Sample) -> None:
        """Write the sample."""
        self.cycle()
        sync_templates(self._client.api, self._outsides.database, Deadline(30))
        self.transact(partial(sample_rows.write_jobs, sample=sample))
        wanted = [
            Wanted(
                job.reference,
                template_key=job.template_key,
                title=job.title,
                utm_source=source,
                utm_medium=medium,
                utm_campaign=campaign,
                utm_content=content,
            )
            for job in sample.jobs
            for source, medium, campaign, content in SOURCES
            if campaign != "herbst-2026"
        ]
        address = self._sandbox.apply_url(self._id)
        issue_links(self._outsides.database, self._id, wanted, apply_url=address, deadline=Deadline(60))
        self.transact(lambda c: c.execute(_ISSUED, {"client_id": self._id}))
        for batch in sample_rows.batches(sample):
            self.transact(partial(sample_rows.write_applications, sample=sample, batch=batch))
            self._ids += [each.profile_id for each in batch]
        self.transact(partial(sample_rows.write_costs, sample=sample))

    def erase(self) -> None:
        """Erase some of the oldest applications."""
        some = self._ids[: len(self._ids) // 10 : _ERASED]
        self.transact(partial(sample_rows.erase, client_id=self._id, ids=some))


@contextmanager
def _sandbox() -> Iterator[Sandbox]:
    (first, _, _), *others = TENANTS
    tenants = tuple(Tenant(client_id, _SECRET, 0) for client_id, _, _ in others)
    config = SandboxConfig(profiles=0, client_id=first, client_secret=_SECRET, tenants=tenants)
    with Sandbox(config) as sandbox:
        yield sandbox


def _add_reader(server: EmbeddedPostgres) -> str:
    """Create syncd's roles and a login that may read the reports. Return its URL."""
    password = secrets.token_urlsafe(12)
    reader = sql.Identifier(READER)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(ROLES_SQL.encode())
        for statement in (
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE syncd_reader").format(reader, password),
            sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reader),
            sql.SQL("ALTER ROLE {} SET statement_timeout = '30s'").format(reader),
        ):
            connection.execute(statement)
        # Without statistics of what was computed last, the first queries would be slow.
        connection.execute("ANALYZE")
    return f"postgresql://{READER}:{password}@127.0.0.1:{server.port}/postgres"
