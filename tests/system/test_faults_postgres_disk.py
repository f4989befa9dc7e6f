"""The disk under Postgres is full: syncd stops confirming, says so once, and goes on by itself when there is room again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import SandboxConfig
from tests.database import MIGRATED, url_of
from tests.integration.test_faults_disk import small_disk
from tests.system.processes import Running, Site, eventually, site

MANY = 150  # applications that do not fit any more
CONFIG = SandboxConfig(profiles=20)


@contextmanager
def database_on(disk: Path, server: EmbeddedPostgres) -> Iterator[str]:
    """The address of a database of which everything but the log of the server lies on this disk."""
    place = disk / "tables"
    place.mkdir()
    place.chmod(0o777)  # Postgres may run as another user, and makes its own folder private
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
        connection.execute(f"CREATE DATABASE small TABLESPACE small TEMPLATE {MIGRATED}".encode())
    yield url_of(server, "small")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """The disk, full to the last byte."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


def more_than_fits(here: Site, daemon: Running) -> None:
    """Bring more than there is room for, and see it refused for some cycles: nothing of it is confirmed."""
    here.sandbox.add_profiles(MANY)
    daemon.wait_for("database_unavailable")
    confirms = len(here.sandbox.ledger.confirms)
    time.sleep(4)
    assert len(here.sandbox.ledger.confirms) == confirms
    assert here.sandbox.findings == []


def test_a_full_disk_under_postgres_stops_confirms_and_mends_itself_when_there_is_room(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "disk", "24m") as disk,
        database_on(disk, own_postgres) as url,
        site(url, tmp_path, CONFIG) as here,
        here.start("run") as daemon,
    ):
        daemon.wait_for("cycle_finished", outcome="ok")
        with filled(disk):
            more_than_fits(here, daemon)
            failed = here.run("sync", "--json")
            assert failed.returncode != 0
            assert "Traceback" not in failed.stderr
        eventually(lambda: not here.outstanding(), "it goes on")
        assert daemon.stop() == 0
        reasons = {event["reason"] for event in daemon.events("database_unavailable")}
        assert reasons == {"the disk of Postgres is full (SQLSTATE 53100)"}
        assert not daemon.events("cycle_crashed")
        here.assert_complete()


@pytest.mark.thorough
def test_a_full_disk_under_postgres_is_told_once(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "24m") as disk,
        database_on(disk, own_postgres) as url,
        site(url, tmp_path, CONFIG) as here,
        here.start("run") as daemon,
    ):
        daemon.wait_for("cycle_finished", outcome="ok")
        with filled(disk):
            more_than_fits(here, daemon)
            assert len(daemon.events("database_unavailable")) == 1
            assert not daemon.events("database_available")
        daemon.wait_for("database_available")
        assert daemon.stop() == 0


def move_log(server: EmbeddedPostgres, disk: Path) -> None:
    """Let the server write its log (WAL) to this disk."""
    server.stop()
    log = server.folder / "cluster" / "pg_wal"
    shutil.copytree(log, disk / "wal", copy_function=shutil.copy2)
    for path in (disk / "wal", *(disk / "wal").rglob("*")):
        os.chown(path, log.stat().st_uid, log.stat().st_gid)
    (disk / "wal").chmod(0o700)
    shutil.rmtree(log)
    log.symlink_to(disk / "wal")
    server.start()


def use_up_log(server: EmbeddedPostgres) -> None:
    """Write until the server cannot."""
    with suppress(psycopg.OperationalError), psycopg.connect(server.url, autocommit=True) as connection:
        while True:
            connection.execute("SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000))")


@pytest.mark.thorough
@pytest.mark.long
def test_a_server_that_ended_because_its_log_had_no_room_is_waited_for(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Without room for its own log Postgres ends itself; started with room it has all that it called committed."""
    url = url_of(own_postgres)
    with small_disk(tmp_path / "disk", "128m") as disk:
        move_log(own_postgres, disk)
        with site(url, tmp_path, CONFIG) as here, here.start("run", SYNC__BATCH_SIZE="10") as daemon:
            daemon.wait_for("cycle_finished", outcome="ok")
            with filled(disk):
                here.sandbox.add_profiles(100)
                use_up_log(own_postgres)
                daemon.wait_for("database_unavailable")
                eventually(lambda: not own_postgres.running, "Postgres ends itself")
                assert here.sandbox.findings == []
            own_postgres.start()
            eventually(lambda: not here.outstanding(), "it goes on", 60)
            assert daemon.stop() == 0
            assert not daemon.events("cycle_crashed")
            here.assert_complete()
        own_postgres.stop()
