"""The ground under the demo and the tests: the embedded Postgres starts anywhere, recovers, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres, EmbeddedPostgresError, start_postgres


def test_url_stays_the_same_and_data_survives_stop_kill_and_start(own_postgres: EmbeddedPostgres) -> None:
    url = own_postgres.url
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    ends: list[Callable[[], None]] = [
        own_postgres.stop,
        own_postgres.kill,
        partial(own_postgres.stop, "immediate"),
    ]
    for step, end in enumerate(ends):
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", (step,))
        end()
        assert not own_postgres.running
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        own_postgres.start()
    assert own_postgres.url == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept ORDER BY n").fetchall() == [(0,), (1,), (2,)]


def test_server_is_durable_utf8_utc_and_on_loopback_with_a_password_only(
    own_postgres: EmbeddedPostgres,
) -> None:
    with psycopg.connect(own_postgres.url) as connection:
        rows = connection.execute("SELECT name, setting FROM pg_settings").fetchall()
        settings: dict[str, str] = dict(rows)
        assert connection.execute("SELECT lower('ÄÖÜ'), 'a' < 'B'").fetchone() == ("äöü", False)
    expected = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "TimeZone": "UTC"}
    expected |= {"server_encoding": "UTF8", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    assert {name: settings[name] for name in expected} == expected
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(own_postgres.url.replace(own_postgres.password, "guessed"))


def test_folder_with_spaces_and_umlauts_is_kept_and_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "Bewerbungen für Köln" / "Postgres"
    with (
        start_postgres(folder, settings={"application_name": "it's"}) as server,
        psycopg.connect(server.url) as first,
    ):
        assert first.execute("SHOW application_name").fetchone() == ("it's",)
        first.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with start_postgres(folder) as server, psycopg.connect(server.url) as again:
        assert again.execute("SELECT n FROM kept").fetchone() == (7,)
    assert (folder / "postgres.log").exists()


@pytest.mark.thorough
def test_copies_of_a_stopped_server_start_with_its_data_and_password_and_are_independent(
    tmp_path: Path,
) -> None:
    with start_postgres(tmp_path / "first") as first, psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        password = first.password
    for _ in range(2):
        with start_postgres(copy_of=tmp_path / "first") as copy, psycopg.connect(copy.url) as connection:
            assert copy.password == password
            assert connection.execute("DELETE FROM kept RETURNING n").fetchall() == [(7,)]


def test_port_that_is_taken_is_said_in_the_error(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=f"{own_postgres.port}(?s:.*)could not bind"):
        start_postgres(tmp_path / "second", port=own_postgres.port)


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} is still there"
        time.sleep(0.02)


START = """
import os, signal, sys
from syncd.embedded import start_postgres
server = start_postgres()
print(server.folder, server.url, server.pid, flush=True)
"""


@pytest.mark.parametrize(
    ("ending", "code"), [("os.kill(os.getpid(), signal.SIGKILL)", -9), ("sys.exit(3)", 3)]
)
def test_server_and_its_folder_go_when_the_process_that_started_it_goes(ending: str, code: int) -> None:
    run = run_python(START + ending)
    assert run.returncode == code, run.stderr
    folder, url, _ = run.stdout.split()
    wait_until_gone(Path(folder))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


@pytest.mark.thorough
def test_server_left_running_outlives_its_process_and_the_cleaning_of_the_next_one() -> None:
    run = run_python(START + "server.leave_running()")
    assert run.returncode == 0, run.stderr
    folder, url, pid = run.stdout.split()
    try:
        with start_postgres(), psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        os.kill(int(pid), signal.SIGINT)
        wait_until_gone(Path(folder) / "cluster" / "postmaster.pid")
        shutil.rmtree(folder)


def test_folder_of_a_dead_run_is_removed_by_the_next_and_one_in_use_is_not(
    own_postgres: EmbeddedPostgres,
) -> None:
    abandoned = Path(tempfile.mkdtemp(prefix="syncd-postgres-", dir=own_postgres.folder.parent))
    (abandoned / "lock").touch()
    with start_postgres():
        assert not abandoned.exists()
        assert own_postgres.running


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user to run Postgres")
@pytest.mark.parametrize("wrapper", ["unshare", "setpriv"])
def test_root_runs_postgres_with_and_without_user_namespaces(
    wrapper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which(wrapper)
    assert program is not None, f"{wrapper} belongs to util-linux, which every Debian has"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / wrapper).symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with start_postgres(tmp_path / "closed") as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
