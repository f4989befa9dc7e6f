"""SIGTERM and SIGINT at any stage: the step in hand is finished, nothing is lost, and it ends in time whatever hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import psutil
import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.pitchyou.client import PROFILES
from syncd.sandbox import Fault, SandboxConfig
from syncd.signals import ONE_REQUEST
from tests.database import url_of
from tests.system.processes import MANY, SYNCD, Running, Site, eventually, site, struck

# What holds the daemon up in each stage.
HELD_UP = {
    "land": Fault("profiles", "slow", times=MANY, seconds_per_byte=0.001),
    "fetch": Fault("media", "hang", times=MANY),
    "confirm": Fault("confirm", "hang", times=MANY),
    "token": Fault("token", "hang", times=MANY),
}


@pytest.mark.parametrize("number", [SIGTERM, pytest.param(SIGINT, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("stage", HELD_UP)
def test_a_stop_at_any_stage_ends_in_time_with_code_0_and_loses_nothing(
    database_url: str, tmp_path: Path, stage: str, number: Signals
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=10, after_confirm="once")) as here:
        here.sandbox.inject(HELD_UP[stage])
        with here.start("run") as daemon:
            eventually(lambda: struck(here), f"it waits in {stage}")
            began = time.monotonic()
            assert daemon.stop(number) == 0
            assert time.monotonic() - began < 20  # seconds; the container's patience is 30
            assert daemon.events("daemon_stopped")
            assert not [event for event in daemon.events() if event["level"] in ("error", "critical")]
        assert here.value("SELECT count(*) FROM ops.client_state WHERE is_running") == 0
        assert here.value("SELECT count(*) FROM ops.lease WHERE expires_at > now()") == 0
        here.sandbox.clear_faults()
        assert here.run("sync").returncode == 0
        here.assert_complete()
        assert not here.outstanding()


@pytest.mark.parametrize("kind", ["endless", pytest.param("dense", marks=pytest.mark.thorough)])
def test_a_stop_while_a_huge_list_is_read_ends_within_seconds(
    database_url: str, tmp_path: Path, kind: str
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        if kind == "dense":
            for number in range(40):
                here.sandbox.put_raw_profile(
                    b'{"profileId":"P%d","steps":[%b{}]}' % (number, b"{}," * 1_000_000)
                )
        else:
            here.sandbox.inject(Fault("profiles", kind, times=MANY, size=2_000_000_000))
        with here.start("run") as daemon:
            eventually(lambda: PROFILES in [call.path for call in here.sandbox.ledger.requests], "it reads")
            time.sleep(0.5)  # each of them takes longer
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 5  # seconds; measured: 0.1
            assert [event["outcome"] for event in daemon.events("cycle_finished")] == ["aborted"]
        assert here.value("SELECT count(*) FROM ops.client_state WHERE is_running") == 0


def test_a_signal_is_heard_whatever_the_main_thread_holds() -> None:
    program = """
import os, signal, time
from syncd.signals import stop_on_signals
stop = stop_on_signals()
with stop._cond:  # as in the middle of stop.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
raise SystemExit(0 if stop.wait(5) else 3)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 0


def test_a_second_signal_ends_it_at_once(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=10)) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished")
        lock = lock_out(here)
        try:
            here.sandbox.add_profiles(5)
            eventually(lambda: waits_for_lock(here), "a transaction is stuck")
            daemon.send(SIGTERM)
            daemon.send(
                SIGTERM
            )  # the same wish told twice, as `timeout` and terminals do, is no second signal
            daemon.wait_for("daemon_stopping")
            time.sleep(2 * ONE_REQUEST)
            assert psutil.Process(daemon.pid).status() != psutil.STATUS_ZOMBIE
            began = time.monotonic()
            daemon.send(SIGTERM)
            assert daemon.wait() == 1
            assert time.monotonic() - began < 10  # and not after the 25 s that a step in hand may take
        finally:
            lock.close()
        assert here.run("sync").returncode == 0
        here.assert_complete()


@pytest.mark.proof
def test_a_step_that_does_not_end_is_given_up_in_time(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=10)) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished")
        (server,) = (
            pid
            for (pid,) in here.rows(
                "SELECT pid FROM pg_stat_activity WHERE starts_with(application_name, 'syncd') LIMIT 1"
            )
        )
        frozen = psutil.Process(server)
        frozen.suspend()
        try:
            began = time.monotonic()
            code = daemon.stop(timeout=35)
            assert time.monotonic() - began < 30
            assert code in (0, 1)
        finally:
            frozen.resume()
        here.sandbox.add_profiles(5)
        assert here.run("sync").returncode == 0
        here.assert_complete()


def lock_out(here: Site) -> psycopg.Connection:
    """A session that keeps everybody from writing applications."""
    connection = psycopg.connect(here.database_url.replace("+psycopg", ""))
    connection.execute("LOCK TABLE ats.application IN EXCLUSIVE MODE")
    return connection


def waits_for_lock(here: Site) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(application_name, 'syncd') AND wait_event_type = 'Lock'"
    return bool(here.value(waiting))


def test_a_daemon_that_waits_for_postgres_can_be_stopped(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = url_of(own_postgres)
    own_postgres.stop()
    with site(url, tmp_path) as here, here.start("run") as daemon:
        daemon.wait_for("database_unavailable")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 20  # seconds; the container's patience is 30


def test_postgres_away_in_the_middle_does_not_hold_up_a_stop(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = url_of(own_postgres)
    with site(url, tmp_path) as here, here.start("run", SYNC__BATCH_SIZE="1") as daemon:
        here.sandbox.add_profiles(200)
        eventually(lambda: here.value("SELECT count(*) FROM ats.application") > 10, "it lands")
        own_postgres.stop()
        daemon.wait_for("database_unavailable")
        began = time.monotonic()
        assert daemon.stop(timeout=35) == 0
        assert time.monotonic() - began < 30
        own_postgres.start()
        assert here.run("sync").returncode == 0
        here.assert_complete()


def in_own_pid_namespace() -> list[str]:
    """The command that makes its child process 1, or a skip where this machine does not allow it."""
    command = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork"]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip(f"this machine does not allow `{' '.join(command)}`")
    return command


@pytest.mark.parametrize("number", [SIGTERM, pytest.param(SIGINT, marks=pytest.mark.thorough)])
def test_process_1_reacts_to_signals(database_url: str, tmp_path: Path, number: Signals) -> None:
    command = in_own_pid_namespace()
    with site(database_url, tmp_path) as here:
        log_path = tmp_path / "log"
        with log_path.open("wb") as log:
            outside = subprocess.Popen(
                [*command, *SYNCD, "run"], env={**os.environ, **here.environ}, cwd=tmp_path, stderr=log
            )
        daemon = Running(outside, tmp_path / "out", log_path)
        try:
            daemon.wait_for("cycle_finished")
            assert here.value("SELECT split_part(holder, '/', 2) FROM ops.lease") == "1"
            (process_1,) = psutil.Process(outside.pid).children()
            process_1.send_signal(number)
            assert daemon.wait(30) == 0
        finally:
            outside.kill()
            outside.wait(10)
        here.assert_complete()
