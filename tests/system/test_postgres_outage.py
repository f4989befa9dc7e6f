"""Postgres goes away, loses an answer, or cannot write: the daemon lives, says so once, and confirms nothing on a guess."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from syncd.embedded import EmbeddedPostgres, start_postgres
from syncd.sandbox import SandboxConfig
from tests.database import url_of
from tests.system.processes import Running, Site, eventually, site

OUTAGES = ("fast", "immediate", "SIGKILL")
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # as psycopg sends it: a simple query


def go_away(server: EmbeddedPostgres, how: str) -> None:
    if how == "SIGKILL":
        server.kill()
    else:
        server.stop("fast" if how == "fast" else "immediate")


def interrupt(here: Site, daemon: Running, server: EmbeddedPostgres, number: int) -> None:
    """Bring new work, and take Postgres away in the middle of it until the daemon has noticed."""
    requests = here.sandbox.ledger.requests
    before = len(requests)
    here.sandbox.add_profiles(60)
    eventually(lambda: len(requests) > before + 20, "the daemon works on what came in")
    go_away(server, OUTAGES[number % 3])
    daemon.wait_for("database_unavailable", number + 1)
    server.start()
    daemon.wait_for("database_available", number + 1)


def outlives(server: EmbeddedPostgres, folder: Path, outages: int) -> None:
    small = {"SYNC__BATCH_SIZE": "10", "SYNC__CONFIRM_BATCH": "5", "MEDIA__CONCURRENCY": "2"}
    with (
        site(url_of(server), folder, SandboxConfig(profiles=60), **small) as here,
        here.start("run") as daemon,
    ):
        for number in range(outages):
            interrupt(here, daemon, server, number)
        eventually(lambda: not here.outstanding(), "everything is stored and confirmed", 60)
        assert daemon.stop() == 0
        here.assert_complete()
        assert len(daemon.events("database_unavailable")) == outages
        assert len(daemon.events("database_available")) == outages
        assert [event for event in daemon.events() if event["level"] in ("error", "critical")] == (
            daemon.events("database_unavailable")
        )


@pytest.mark.thorough
@pytest.mark.long
def test_the_daemon_outlives_three_outages_with_one_line_for_each_and_finishes(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    outlives(own_postgres, tmp_path, 3)


@pytest.mark.proof
def test_the_daemon_outlives_nine_outages_with_one_line_for_each_and_finishes(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    outlives(own_postgres, tmp_path, 9)


@dataclass
class Forgetful:
    """A TCP proxy that passes everything on, but for one COMMIT, or the answer to it: then it cuts the connection."""

    target: int
    arrives: bool  # the COMMIT that is lost, and its answer does not; else that COMMIT does not
    port: int = 0
    commits: int = 0
    cut_at: int = 0  # the number of the COMMIT, from 1; 0 cuts none
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.target)) as server, suppress(OSError):
            lost = threading.Event()
            back = threading.Thread(target=self._answer, args=(server, client, lost), daemon=True)
            back.start()
            while data := client.recv(65_536):
                if COMMIT in data and self._counts_as_lost():
                    if not self.arrives:
                        client.shutdown(socket.SHUT_RDWR)
                        break
                    lost.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join()

    def _counts_as_lost(self) -> bool:
        with self._lock:
            self.commits += 1
            return self.commits == self.cut_at

    @staticmethod
    def _answer(server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if lost.is_set():  # the server has answered, so it has committed
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def forgetful_proxy(target: int, *, arrives: bool) -> Iterator[Forgetful]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Forgetful(target, arrives, listener.getsockname()[1])
        thread = threading.Thread(target=proxy.serve, args=(listener,), daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.long
@pytest.mark.parametrize("arrives", [pytest.param(True, marks=pytest.mark.thorough), False])
def test_whichever_commit_or_answer_to_one_is_lost_nothing_is_lost_or_doubled(
    arrives: bool,
    database_url: str,
    shared_postgres: EmbeddedPostgres,
    tmp_path: Path,
) -> None:
    # What is listed once and lost then never comes again.
    config = SandboxConfig(profiles=2, media_per_profile=1.0, after_confirm="once")
    with (
        forgetful_proxy(shared_postgres.port, arrives=arrives) as proxy,
        site(database_url, tmp_path, config, SYNC__BATCH_SIZE="1") as here,
    ):
        behind = database_url.replace(f":{shared_postgres.port}/", f":{proxy.port}/")
        for number in itertools.count(1):
            proxy.commits, proxy.cut_at = 0, number
            result = here.run("sync", DATABASE__URL=behind)
            if number == 1:  # a command does not wait for a database that is away before the work has begun
                assert (result.returncode, result.stdout) == (1, "")
                continue
            assert result.returncode == 0, (number, result.stderr)
            here.assert_complete()
            if proxy.commits < number:
                break
            here.sandbox.add_profiles(2)
        assert number > 8


def test_fsync_off_is_refused_with_exit_code_4(new_cluster: Path, tmp_path: Path) -> None:
    with start_postgres(fsync=False, copy_of=new_cluster) as server, site(url_of(server), tmp_path) as here:
        for command in (["run"], ["sync"], ["sync", "--dry-run"], ["check"]):
            assert here.sandbox.ledger.lists == []
            result = here.run(*command)
            assert result.returncode == 4
            assert "fsync=off" in result.stdout + result.stderr
            assert "set fsync=on" in result.stdout + result.stderr
        assert here.sandbox.ledger.confirms == []


def test_a_read_only_database_is_one_error_no_confirm_and_mended_by_itself(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", outcome="ok")
        make_read_only(here, on=True)
        here.sandbox.add_profiles(10)
        confirms = len(here.sandbox.ledger.confirms)
        (error,) = daemon.wait_for("database_unavailable")
        assert error["reason"] == "Postgres is read-only (SQLSTATE 25006)"
        seconds = here.value("SELECT extract(epoch FROM now())")
        eventually(lambda: here.value("SELECT extract(epoch FROM now())") > seconds + 4, "four more cycles")
        assert len(here.sandbox.ledger.confirms) == confirms
        assert len(daemon.events("database_unavailable")) == 1
        make_read_only(here, on=False)
        daemon.wait_for("database_available")
        eventually(lambda: not here.outstanding(), "it goes on")
        assert daemon.stop() == 0
        assert [event for event in daemon.events() if event["level"] == "error"] == [error]
        here.assert_complete()


def make_read_only(here: Site, *, on: bool) -> None:
    name = here.database_url.rpartition("/")[2]
    here.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {"on" if on else "off"}')
    here.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, 'syncd')"
    )


def test_a_read_only_database_fails_a_sync_with_what_to_do(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        make_read_only(here, on=True)
        result = here.run("sync")
        assert result.returncode == 1
        assert "leave read-only mode" in result.stderr
        assert "Traceback" not in result.stderr
        assert here.sandbox.ledger.confirms == []
        make_read_only(here, on=False)
        assert here.run("sync").returncode == 0
        here.assert_complete()
