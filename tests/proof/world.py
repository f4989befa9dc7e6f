"""Sets up the environment of a proof: a Postgres per worker; a database, a sandbox and a media root per point."""

from __future__ import annotations

import atexit
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from syncd.embedded import EmbeddedPostgres, start_postgres
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.sandbox import SandboxConfig
from syncd.store.database import Database
from syncd.sync.client_cycle import Client, Ended, Outsides, run_once
from syncd.sync.lease_keeper import LeaseKeeper
from tests.database import MIGRATED, SERVER_SETTINGS, make_migrated
from tests.plans import plan_for
from tests.system.processes import Site, site

TEMPLATE, EMPTY = MIGRATED, "template0"
_numbers = count(1)
_others: list[EmbeddedPostgres] = []


def use(server: EmbeddedPostgres) -> None:
    """Lets the points of this process run on a server that others keep, with the database `MIGRATED`."""
    _others[:] = [server]


def server() -> EmbeddedPostgres:
    """Returns this process's Postgres, with a migrated template database."""
    return _others[0] if _others else _own_server()


@cache
def _own_server() -> EmbeddedPostgres:
    started = start_postgres(settings=SERVER_SETTINGS)
    atexit.register(started.close)
    make_migrated(started)
    return started


def address(name: str, of: EmbeddedPostgres | None = None) -> str:
    """Returns the SQLAlchemy URL of a database of this process's Postgres."""
    base = (of or server()).url.replace("postgresql://", "postgresql+psycopg://", 1)
    return f"{base.rpartition('/')[0]}/{name}"


@contextmanager
def installation(config: SandboxConfig, *, template: str = TEMPLATE, **environ: str) -> Iterator[Site]:
    """Sets up a sandbox that audits each confirm, a new database, and an empty media root.

    Args:
        template: the database to copy; `EMPTY` for one without any schema.
    """
    name = f"point_{next(_numbers)}"
    with psycopg.connect(server().url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            with (
                TemporaryDirectory(prefix="syncd-proof-") as folder,
                site(address(name), Path(folder), config, **environ) as here,
            ):
                yield here
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def cycle(here: Site, *, database_url: str | None = None, **plan: Any) -> Ended:
    """Runs a cycle in this process over new connections, like a process that has just started."""
    config = here.sandbox.config
    with (
        Database(database_url or here.database_url) as database,
        LeaseKeeper(database, ttl=60.0) as keeper,
        PitchYou(config.client_id, config.client_secret, base_url=here.sandbox.url) as api,
    ):
        client = Client(plan_for(config.client_id, **plan), api)
        outsides = Outsides(database, Vault(here.media_root, max_bytes=200_000_000), keeper)
        return run_once(client, outsides, trigger="command", stop=threading.Event())


# Small batches, so that a small load has many transactions and confirms.
SMALL_STEPS: dict[str, Any] = {
    "batch_size": 4,
    "confirm_batch": 2,
    "media_concurrency": 2,
    "media_retry": 0.0,
}
SMALL_STEPS_ENVIRON = {"SYNC__BATCH_SIZE": "4", "SYNC__CONFIRM_BATCH": "2", "MEDIA__CONCURRENCY": "2"}


@contextmanager
def busy(seed: int, **switches: Any) -> Iterator[Site]:
    """Sets up an installation with synced applications and with news: changed, bad and new ones, files added and removed.

    Args:
        switches: options of `SandboxConfig`.
    """
    config = SandboxConfig(profiles=6, seed=seed, **switches)
    with installation(config, **SMALL_STEPS_ENVIRON) as here:
        cycle(here, **SMALL_STEPS)
        ids = [profile["profileId"] for profile in here.sandbox.expected()]
        here.sandbox.change_profile(ids[0], add_media=1)
        here.sandbox.change_profile(ids[1], drop_media=_media_ids(here, ids[1]))
        here.sandbox.change_profile(ids[2])
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "answers": NaN}')
        here.sandbox.add_profiles(5)
        yield here


def _media_ids(here: Site, profile_id: str) -> list[str]:
    rows = here.rows("SELECT media_id FROM ats.media WHERE profile_id = %s", profile_id)
    return [media_id for (media_id,) in rows]


def numbered(things: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yields each item with its number among equal ones, counted from 1."""
    seen: Counter[str] = Counter()
    for each in things:
        seen[each] += 1
        yield each, seen[each]


def converge(here: Site) -> None:
    """Restarts syncd on whatever is there, and lets the oracle audit the whole store.

    The oracle is the sandbox's audit. It shares no code with syncd (an import contract ensures that). It has audited every
    confirm before the answer, and now checks each row and file.
    """
    cycle(here, **SMALL_STEPS)
    here.assert_complete()
    assert here.outstanding() == 0, "an application is not confirmed after a restart"
    running = here.value("SELECT count(*) FROM ops.client_state WHERE is_running")
    assert running == 0, "a cycle is still called running"
