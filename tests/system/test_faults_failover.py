"""Postgres fails over to its standby: what was committed is there, nothing is confirmed on a guess, and syncd goes on by itself."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import make_url, text

from syncd.deadline import Deadline
from syncd.embedded import EmbeddedPostgres, start_postgres
from syncd.embedded.machine import environment, unprivileged
from syncd.errors import DatabaseUnavailable
from syncd.sandbox import SandboxConfig
from syncd.store.database import Database
from tests.database import SERVER_SETTINGS, url_of
from tests.system.forwarder import Forwarder
from tests.system.processes import Running, Site, eventually, site

# Listed once: what was committed and then lost by the failover would never come again.
CONFIG = SandboxConfig(profiles=30, media_per_profile=1.0, after_confirm="once")
SMALL_STEPS = {"SYNC__BATCH_SIZE": "5", "SYNC__CONFIRM_BATCH": "5", "MEDIA__CONCURRENCY": "2"}


@contextmanager
def standby_of(primary: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A second server that follows the first, without which the first calls nothing committed."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name)
        shutil.copy(primary.folder / "password", folder)
        copy: list[str | Path] = [
            primary.bin_dir / "pg_basebackup",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ]
        subprocess.run(
            [*unprivileged(primary.bin_dir, folder), *copy, "-d", primary.url, "-D", folder / "cluster"],
            env=environment(),
            check=True,
            capture_output=True,
        )
        with start_postgres(folder, settings=SERVER_SETTINGS) as standby:
            with psycopg.connect(primary.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                connection.execute("SELECT pg_reload_conf()")
                follows = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
                eventually(lambda: connection.execute(follows).fetchall(), "the standby follows")
            yield standby


def promote(standby: EmbeddedPostgres) -> None:
    with psycopg.connect(standby.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
        connection.execute("SELECT pg_reload_conf()")
        assert connection.execute("SELECT pg_promote()").fetchall() == [(True,)]


def lose_primary_in_the_middle(here: Site, primary: EmbeddedPostgres) -> None:
    requests = here.sandbox.ledger.requests
    before = len(requests)
    here.sandbox.add_profiles(30)
    eventually(lambda: len(requests) > before + 15, "the daemon works on what came in")
    primary.kill()


def meet_standby_that_is_none_yet(
    here: Site, daemon: Running, way: Forwarder, standby: EmbeddedPostgres
) -> None:
    """The address leads to the standby before that may be written to: it answers, and refuses."""
    way.lead_to(standby.port)
    daemon.wait_for("database_unavailable")
    confirms = len(here.sandbox.ledger.confirms)
    time.sleep(2)
    assert len(here.sandbox.ledger.confirms) == confirms


def fails_over(
    way: Forwarder,
    standby: EmbeddedPostgres,
    primary: EmbeddedPostgres,
    port: int,
    folder: Path,
    *,
    late: bool,
) -> None:
    """The daemon reaches Postgres by `port`, which leads to `way`. In the middle of its work the primary is lost."""
    url = make_url(url_of(primary)).set(port=port)
    with (
        site(url.render_as_string(hide_password=False), folder, CONFIG, **SMALL_STEPS) as here,
        here.start("run") as daemon,
    ):
        daemon.wait_for("cycle_finished", outcome="ok")
        lose_primary_in_the_middle(here, primary)
        if late:
            meet_standby_that_is_none_yet(here, daemon, way, standby)
        promote(standby)
        way.lead_to(standby.port)
        eventually(lambda: not here.outstanding(), "everything is stored and confirmed", 60)
        assert daemon.stop() == 0
        assert not daemon.events("cycle_crashed")
        here.assert_complete()


@pytest.mark.long
@pytest.mark.parametrize("late", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_a_failover_in_the_middle_of_the_work_loses_and_doubles_nothing(
    late: bool, own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with standby_of(own_postgres) as standby, Forwarder(own_postgres.port) as way:
        fails_over(way, standby, own_postgres, way.port, tmp_path, late=late)


@contextmanager
def pgbouncer(server: EmbeddedPostgres, way: Forwarder) -> Iterator[int]:
    """PgBouncer in transaction mode in front of a way to Postgres; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    at = make_url(server.url)
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        ini = folder / "pgbouncer.ini"
        ini.write_text(
            f"[databases]\n* = host=127.0.0.1 port={way.port} user={at.username} password={at.password}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\nserver_login_retry = 1\n"
        )
        command = ["pgbouncer", "--quiet", *(["--user=nobody"] if os.geteuid() == 0 else []), str(ini)]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                yield port
            finally:
                process.terminate()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="takes pgbouncer, which .ci/run installs")
def test_behind_pgbouncer_which_remembers_a_standby_a_failover_loses_nothing_and_needs_nobody(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """PgBouncer tells its clients what the first server that it saw was, until it is reloaded."""
    with (
        standby_of(own_postgres) as standby,
        Forwarder(standby.port) as way,
        pgbouncer(own_postgres, way) as port,
    ):
        url = make_url(own_postgres.url).set(port=port).render_as_string(hide_password=False)

        def what_pgbouncer_says() -> str | None:
            with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
                return connection.info.parameter_status("in_hot_standby")
            return None

        assert eventually(what_pgbouncer_says, "PgBouncer works") == "on"
        way.lead_to(own_postgres.port)
        assert eventually(what_pgbouncer_says, "PgBouncer works") == "on"
        fails_over(way, standby, own_postgres, port, tmp_path, late=True)


@pytest.mark.thorough
@pytest.mark.long
def test_of_two_hosts_the_standby_is_not_taken_for_the_primary_that_is_started_anew(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with standby_of(own_postgres) as standby:
        url = make_url(url_of(own_postgres))
        hosts = [f"127.0.0.1:{each.port}" for each in (standby, own_postgres)]
        one, both = (
            each.render_as_string(hide_password=False)
            for each in (url, url.update_query_dict({"host": hosts}))
        )
        with (
            site(one, tmp_path, CONFIG, DATABASE__URL=both, **SMALL_STEPS) as here,
            here.start("run") as daemon,
        ):
            daemon.wait_for("cycle_finished", outcome="ok")
            lose_primary_in_the_middle(here, own_postgres)
            time.sleep(2)
            own_postgres.start()
            assert not [each for each in daemon.events("database_unavailable") if "standby" in each["reason"]]
            eventually(lambda: not here.outstanding(), "everything is stored and confirmed", 60)
            assert daemon.stop() == 0
            assert not daemon.events("cycle_crashed")
            here.assert_complete()


def test_a_standby_is_asked_nothing_until_it_is_the_primary(own_postgres: EmbeddedPostgres) -> None:
    """It is behind: what it says of leases and of what may be confirmed is from before."""
    with standby_of(own_postgres) as standby:
        url = make_url(standby.url).set(drivername="postgresql+psycopg")
        with Database(url.render_as_string(hide_password=False)) as database:

            def ask() -> object:
                return database.transact(
                    lambda c: c.execute(text("SELECT 1")).scalar(), Deadline(5), patience=0
                )

            with pytest.raises(DatabaseUnavailable, match="is a standby"):
                ask()
            promote(standby)
            assert ask() == 1
