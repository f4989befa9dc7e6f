"""Runs the demo from start to end: builds everything, runs the daemon, and queries the database for the result."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from pathlib import Path

from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Connection

from syncd.daemon import Daemon, Scheduled
from syncd.deadline import Deadline
from syncd.demo.journey import Applied, Journey, end_of, has_come, offer_and_apply
from syncd.demo.report import (
    Kept,
    Report,
    begun_cycles,
    cycle_runs,
    finished_cycles,
    pending_files,
    report_on,
)
from syncd.errors import Stopped, SyncdError
from syncd.logs import configure_logging
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.sandbox import Sandbox, SandboxConfig
from syncd.settings import MediaSettings, SyncSettings
from syncd.store import migrate
from syncd.store.database import Database
from syncd.sync.client_cycle import Client, Outsides
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.work import Plan

try:
    from syncd.embedded import EmbeddedPostgres, start_postgres
except ModuleNotFoundError as error:
    raise SyncdError(
        f"The demo needs additional Python packages ({error.name} is missing). Run `make demo` in a checkout, "
        "or `pip install --require-hashes -r requirements/demo.txt`."
    ) from None

# Seconds between two cycles.
INTERVAL = 8.0
# Seconds until a missing file is requested again; 30 in production. The first cycle ends before that, so that the second
# cycle has something to do.
RETRY = 4.0
# Seconds until a missing file counts as gone; a day in production.
GONE_AFTER = 4.0
# Minimum and maximum number of cycles. A slow machine may need more than two.
CYCLES = (2, 6)

# Neither profile can be parsed. Both go to quarantine without delaying the other profiles.
_UNREADABLE = (
    b'{"profileId":"P-900001","externalReferenceId":"LG-10233","steps":"Ich komme gern!"}',
    b'{"profileId":"P-900002","steps":[{"question":"Gehaltswunsch?","answer":NaN}]}',
)


def run_demo(
    *, profiles: int, seed: int, keep: bool, stop: threading.Event, tell: Callable[[str], None]
) -> Report:
    """Run the demo and report on it.

    Args:
        keep: keep the database running and the files on disk. The report says where they are and how to remove them.
        stop: ends the demo early.
        tell: called with a line of progress for each step.

    Raises:
        Stopped: `stop` was set.
        SyncdError: the embedded Postgres could not be started, or stopped unexpectedly.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        folder = stack.enter_context(demo_folder(keep))
        stack.enter_context(demo_logs(folder / "syncd.log"))
        server = stack.enter_context(demo_postgres(folder / "postgres" if keep else None, keep=keep))
        url = server.url.replace("postgresql://", "postgresql+psycopg://", 1)
        migrate.upgrade(url)
        tell(f"Postgres is running and migrated ({time.monotonic() - began:.1f} s).")
        sandbox = stack.enter_context(_sandbox(profiles, seed, server.url, folder / "media"))
        tell(f"A simulated PitchYou with {profiles:,} applications listens on {sandbox.url}.")
        database = stack.enter_context(Database(url))
        journey = _let_the_daemon_work(sandbox, database, folder / "media", stop, tell)
        audit = sandbox.audit(confirmed_once=True)
        audit.findings += sandbox.findings
        kept = _kept(server, folder) if keep else None
        return report_on(database, audit, journey, seconds=time.monotonic() - began, kept=kept)


@contextmanager
def demo_folder(keep: bool) -> Iterator[Path]:
    """Make a folder for all files of a demo. It stays if `keep` and nothing fails."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-demo-")).resolve()
    try:
        yield folder
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def demo_postgres(folder: Path | None, *, keep: bool) -> Iterator[EmbeddedPostgres]:
    """Start a Postgres with its data in `folder`, or in memory if that is None. With `keep`, it outlives this process."""
    with ExitStack() as stack:
        server = stack.enter_context(start_postgres(folder))
        yield server
        if keep:
            server.leave_running()
            stack.pop_all()


@contextmanager
def demo_logs(path: Path) -> Iterator[None]:
    """Send the daemon's log to a file, so that it does not mix with the report."""
    with path.open("w", encoding="utf-8") as stream:
        configure_logging("json", "info", stream)
        try:
            yield
        finally:
            configure_logging("console", "warning")


def _sandbox(profiles: int, seed: int, database_url: str, media_root: Path) -> Sandbox:
    sandbox = Sandbox(
        SandboxConfig(
            profiles=profiles,
            seed=seed,
            after_confirm="stay",
            signed_uris=True,
            media_gone=0.02,
            media_late=0.05,
            media_late_tries=1,
            database_url=database_url,
            media_root=media_root,
        )
    )
    for element in _UNREADABLE:
        sandbox.put_raw_profile(element)
    return sandbox


def _let_the_daemon_work(
    sandbox: Sandbox, database: Database, media_root: Path, stop: threading.Event, tell: Callable[[str], None]
) -> Journey:
    config = sandbox.config
    plan = demo_plan(config.client_id)
    ended = threading.Event()
    with (
        PitchYou(config.client_id, config.client_secret, base_url=sandbox.url) as api,
        LeaseKeeper(database, ttl=60) as keeper,
    ):
        outsides = Outsides(database, Vault(media_root, max_bytes=MediaSettings().max_bytes), keeper)
        trigger = IntervalTrigger(seconds=INTERVAL, timezone=UTC)
        daemon = Daemon([Scheduled(Client(plan, api), trigger)], outsides, ended)
        thread = threading.Thread(target=daemon.run, name="daemon")
        thread.start()
        try:
            applied = _wait_for_cycles(sandbox, database, api, stop, tell)
        finally:
            ended.set()
            thread.join()
        return end_of(applied, sandbox, database, api)


def demo_plan(client_id: str) -> Plan:
    """Make a plan as the settings' defaults have it, except that files are retried sooner."""
    sync = SyncSettings()
    return Plan(
        client_id=client_id,
        label=None,
        timezone="Europe/Berlin",
        phone_region="DE",
        retention_days=None,
        raw_retention_days=None,
        batch_size=sync.batch_size,
        cycle_deadline=sync.cycle_deadline,
        max_polls=sync.max_polls_per_cycle,
        media_concurrency=MediaSettings().concurrency,
        media_gone_after=GONE_AFTER,
        media_retry=RETRY,
        confirm_batch=sync.confirm_batch,
        history_days=sync.history_days,
        confirm=True,
    )


def _wait_for_cycles(
    sandbox: Sandbox, database: Database, api: PitchYou, stop: threading.Event, tell: Callable[[str], None]
) -> Applied:
    """Apply after the first cycle, and wait until everything has arrived or the maximum number of cycles is reached."""
    told = 0
    applied: Applied | None = None
    while not stop.wait(0.1):
        is_there = applied is not None and _all_is_there(database, applied)
        done = database.transact(
            finished_cycles, Deadline(30)
        )  # after the look, so that each of them is reported
        for cycle in done[told:]:
            tell(
                f"The daemon's cycle {cycle.number} took {cycle.seconds:.1f} s: "
                f"{cycle.new:,} new, {cycle.media_stored:,} files, {cycle.confirmed:,} confirmed."
            )
        told = len(done)
        if told and applied is None:
            applied = offer_and_apply(sandbox, database, api)
            tell(f"Someone applies through {applied.link}")
        # A cycle that did nothing is not among those that are done.
        elif applied and (
            (told >= CYCLES[0] and is_there) or database.transact(begun_cycles, Deadline(30)) > CYCLES[1]
        ):
            return applied
    raise Stopped("the demo was stopped and has removed everything it created")


def _all_is_there(database: Database, applied: Applied) -> bool:
    """Whether nothing is left to do. A cycle that still runs would be cut off, and reported as aborted."""

    def look(connection: Connection) -> bool:
        return has_come(connection, applied) and not pending_files(connection) and not cycle_runs(connection)

    return database.transact(look, Deadline(30))


def _kept(server: EmbeddedPostgres, folder: Path) -> Kept:
    return Kept(
        database_url=server.url,
        psql=str(server.bin_dir / "psql"),
        stop=f"kill -INT {server.pid}",
        folder=str(folder),
        media_root=str(folder / "media"),
        log=str(folder / "syncd.log"),
    )
