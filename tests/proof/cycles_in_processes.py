"""Runs cycles of any client of a site: in this process, or in other processes that kill or freeze themselves midway."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from signal import SIGCONT, SIGSTOP, Signals

from syncd.errors import LeaseHeld, LeaseLost
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.store.database import Database
from syncd.sync.client_cycle import Client, Ended, Outsides, run_once
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.work import Work
from tests.plans import plan_for
from tests.proof.world import SMALL_STEPS
from tests.system.processes import Site, eventually

DONE, HELD, LOST, FAILED = 0, 3, 4, 5  # the exit codes of a process, by the outcome of its cycle
_OURS = "FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, 'syncd')"


@dataclass(frozen=True)
class Place:
    """What a process needs to run a cycle of one client. `ttl` is the lifetime of its lease in seconds."""

    client_id: str
    client_secret: str
    base_url: str
    database_url: str
    media_root: Path
    ttl: float


def place(here: Site, client_id: str, *, ttl: float = 60.0) -> Place:
    """Returns the place of a client of this site."""
    secrets = {each.client_id: each.client_secret for each in here.sandbox.config.all_tenants}
    return Place(client_id, secrets[client_id], here.sandbox.url, here.database_url, here.media_root, ttl)


def cycle_at(where: Place, *, at: int = 0, act: Callable[[], None] = lambda: None) -> Ended:
    """Runs a cycle over new connections. Calls `act` after step number `at`, which is usually a commit.

    Raises:
        LeaseHeld: another process works for this client.
    """
    steps = 0

    def count(_: Work) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            act()

    with (
        Database(where.database_url) as database,
        LeaseKeeper(database, ttl=where.ttl) as keeper,
        PitchYou(where.client_id, where.client_secret, base_url=where.base_url) as api,
    ):
        # A file that PitchYou does not have is gone at once, not after a day.
        client = Client(plan_for(where.client_id, media_gone_after=0.0, **SMALL_STEPS), api)
        outsides = Outsides(database, Vault(where.media_root, max_bytes=200_000_000), keeper)
        return run_once(client, outsides, trigger="command", stop=threading.Event(), progress=count)


@contextmanager
def another(where: Place, *, at: int = 0, signal: Signals | None = None) -> Iterator[ForkServerProcess]:
    """Starts a cycle in a new process, which sends itself `signal` after step number `at`."""
    process = _forks().Process(target=_cycle, args=(where, at, signal), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(10)


def exit_code(process: ForkServerProcess, here: Site) -> int:
    """Waits until a process and its Postgres sessions have ended. Returns the exit code; below zero if a signal killed it."""
    process.join(30)
    assert process.exitcode is not None, "a cycle does not end"
    eventually(lambda: here.value(f"SELECT count(*) = 0 {_OURS}"), "the end of its sessions")
    return process.exitcode


def rows_by_client(here: Site) -> dict[str, str]:
    """Returns a digest of all rows of each client that has any. Every write changes it."""
    tables = here.rows(
        "SELECT table_schema || '.' || table_name FROM information_schema.columns "
        "WHERE table_schema IN ('ats', 'ops') AND column_name = 'client_id' ORDER BY 1"
    )
    rows = " UNION ALL ".join(
        f"SELECT client_id, t.xmin::text || t::text AS row FROM {table} t" for (table,) in tables
    )
    return dict(
        here.rows(f"SELECT client_id, md5(string_agg(row, ',' ORDER BY row)) FROM ({rows}) GROUP BY 1")
    )


def end_sessions(here: Site) -> None:
    """Makes Postgres end all connections of syncd."""
    here.rows(f"SELECT pg_terminate_backend(pid) {_OURS}")


def stands_still(process: ForkServerProcess) -> bool:
    """Says whether a process is frozen or has ended."""
    if process.exitcode is None:
        with suppress(OSError):  # it has just ended
            return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ"
    return True


def freeze(process: ForkServerProcess, here: Site) -> None:
    """Freezes a process outside its transactions, whose locks would keep its lease from others for a minute."""
    while process.exitcode is None:
        _send(process, SIGSTOP)
        if here.value(f"SELECT coalesce(bool_and(state = 'idle'), true) {_OURS}"):
            return
        thaw(process)
        time.sleep(0.01)


def thaw(process: ForkServerProcess) -> None:
    """Lets a frozen process continue. Does nothing if it has ended."""
    _send(process, SIGCONT)


def _send(process: ForkServerProcess, signal: Signals) -> None:
    if process.pid and process.exitcode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal)


@cache
def _forks() -> ForkServerContext:
    """Returns a process that has loaded syncd, runs no threads, and forks. So a start does not take longer than a cycle."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _cycle(where: Place, at: int, signal: Signals | None) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):  # its log can get long
        os.dup2(nothing, descriptor)
    act = partial(os.kill, os.getpid(), signal) if signal else lambda: None
    try:
        error = cycle_at(where, at=at, act=act).error
    except LeaseHeld:
        os._exit(HELD)
    os._exit(LOST if isinstance(error, LeaseLost) else FAILED if error else DONE)
