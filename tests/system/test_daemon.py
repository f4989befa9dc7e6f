"""The daemon as a process: its schedule, its signals at every stage, its deadline, its clients side by side."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import Fault, SandboxConfig, Tenant
from syncd.stopping import ONE_REQUEST
from syncd.store.migrate import upgrade
from tests.system.processes import SYNCD, Running, Site, eventually, site

NEVER = "every 7d"
# What holds the daemon up in each stage.
MANY = 1000
HELD_UP = {
    "land": Fault("profiles", "slow", times=MANY, seconds_per_byte=0.001),
    "fetch": Fault("media", "hang", times=MANY),
    "confirm": Fault("confirm", "hang", times=MANY),
    "token": Fault("token", "hang", times=MANY),
}


def starts(here: Site) -> list[datetime]:
    """When its cycles began."""
    return [at for (at,) in here.rows("SELECT started_at FROM ops.cycle ORDER BY cycle_id")]


def test_the_first_cycle_comes_at_once_and_environment_variables_alone_suffice(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, schedule=NEVER) as here, here.start("run") as daemon:
        began = time.monotonic()
        daemon.wait_for("cycle_finished", outcome="ok")
        assert time.monotonic() - began < 10
        assert not list(tmp_path.glob("*.toml"))
        assert daemon.stop() == 0
        names = [event["event"] for event in daemon.events()]
        assert names == ["daemon_started", "cycle_finished", "daemon_stopping", "daemon_stopped"]
        assert daemon.out_path.read_bytes() == b""
        here.assert_complete()


def test_an_interval_is_kept_from_start_to_start(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, schedule="every 2s") as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", 4)
        assert daemon.stop() == 0
        times = starts(here)
        gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times[1:])]
        assert all(1.5 < gap < 2.6 for gap in gaps), gaps


@pytest.mark.proof
def test_a_cron_line_starts_a_cycle_when_its_minute_comes(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, schedule="* * * * *") as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", 2, timeout=75)
        first, second = starts(here)[:2]
        assert (second.second, second.minute != first.minute) == (0, True)
        assert daemon.stop() == 0


def test_runs_that_meet_one_still_going_on_are_left_out_without_noise(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=3)) as here:
        here.sandbox.inject(HELD_UP["confirm"])
        with here.start("run") as daemon:
            eventually(lambda: struck(here), "the confirm hangs")
            lists = len(here.sandbox.ledger.lists)
            time.sleep(3.5)  # three more runs come due meanwhile
            assert len(here.sandbox.ledger.lists) == lists
            assert len(starts(here)) == 1
            assert [event["event"] for event in daemon.events()] == ["daemon_started"]
            assert daemon.stop() == 0


def struck(here: Site) -> bool:
    """Whether one of the faults in force has held the daemon up by now."""
    with urlopen(f"{here.sandbox.url}/_sandbox/faults") as answer:
        return any(fault["times"] < MANY for fault in json.load(answer))


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
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
            assert time.monotonic() - began < 10
            assert daemon.events("daemon_stopped")
            assert not [event for event in daemon.events() if event["level"] in ("error", "critical")]
        assert here.value("SELECT count(*) FROM ops.cycle WHERE outcome = 'running'") == 0
        assert here.value("SELECT count(*) FROM ops.lease WHERE expires_at > now()") == 0
        here.sandbox.clear_faults()
        assert here.run("sync").returncode == 0
        here.assert_complete()
        assert not here.outstanding()


def test_a_signal_is_heard_whatever_the_main_thread_holds() -> None:
    program = """
import os, signal, time
from syncd.stopping import stop_on_signals
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
            assert daemon.wait(5) == 1
            assert time.monotonic() - began < 1
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
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'syncd' LIMIT 1"
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
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'syncd' AND wait_event_type = 'Lock'"
    )
    return bool(here.value(waiting))


def test_a_cycle_that_hangs_is_ended_by_its_deadline_and_the_next_one_works(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=10), SYNC__CYCLE_DEADLINE="2s") as here:
        here.sandbox.inject(Fault("profiles", "slow", seconds_per_byte=0.5))
        here.sandbox.inject(Fault("media", "hang"))
        with here.start("run") as daemon:
            failed = daemon.wait_for("cycle_failed", 2)
            eventually(lambda: not here.outstanding(), "a later cycle works")
            assert daemon.stop() == 0
        assert [event["error"] for event in failed[:2]] == [["syncd.errors.DeadlineExceeded"]] * 2
        ends = here.rows(
            "SELECT extract(epoch FROM finished_at - started_at) FROM ops.cycle ORDER BY cycle_id"
        )
        assert all(seconds < 5 for (seconds,) in ends), ends
        here.assert_complete()


def test_a_client_that_hangs_does_not_delay_the_others(database_url: str, tmp_path: Path) -> None:
    tenants = (Tenant("beta", "beta-secret", 10), Tenant("gamma", "gamma-secret", 10))
    with site(database_url, tmp_path, SandboxConfig(profiles=10, tenants=tenants)) as here:
        hanging = Fault("token", "hang", times=1)  # whoever comes first
        here.sandbox.inject(hanging)
        with here.start("run") as daemon:
            eventually(lambda: len(done(here)) == 2, "the other two are done")
            (left,) = {"acme", "beta", "gamma"} - done(here)
            for client in done(here):
                here.sandbox.add_profiles(5, client)
            eventually(
                lambda: (
                    here.value("SELECT count(*) FROM ats.application WHERE confirmed_at IS NOT NULL") == 30
                ),
                "and go on while the third one hangs",
            )
            assert daemon.events("cycle_finished", client_id=left) == []
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 10
        assert here.run("sync").returncode == 0
        here.assert_complete()


def done(here: Site) -> set[str]:
    return {
        client
        for (client,) in here.rows(
            "SELECT client_id FROM ats.application WHERE confirmed_at IS NOT NULL GROUP BY 1 HAVING count(*) >= 10"
        )
    }


def test_a_daemon_that_is_started_before_postgres_waits_and_then_works(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = own_postgres.url.replace("postgresql:", "postgresql+psycopg:")
    upgrade(url)
    own_postgres.stop()
    with site(url, tmp_path) as here, here.start("run") as daemon:
        daemon.wait_for("database_unavailable")
        own_postgres.start()
        daemon.wait_for("cycle_finished", outcome="ok")
        assert daemon.stop() == 0
        assert len(daemon.events("database_unavailable")) == 1
        here.assert_complete()


def test_a_daemon_that_waits_for_postgres_can_be_stopped(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = own_postgres.url.replace("postgresql:", "postgresql+psycopg:")
    upgrade(url)
    own_postgres.stop()
    with site(url, tmp_path) as here, here.start("run") as daemon:
        daemon.wait_for("database_unavailable")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 10


def test_postgres_away_in_the_middle_does_not_hold_up_a_stop(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = own_postgres.url.replace("postgresql:", "postgresql+psycopg:")
    upgrade(url)
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


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
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
