"""The daemon as a process: its schedule, its deadline, its clients side by side, its wait for Postgres."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import Fault, SandboxConfig, Tenant
from tests.database import url_of
from tests.system.processes import MANY, Running, Site, begun, eventually, site, struck

NEVER = "every 7d"


def ends(daemon: Running) -> list[datetime]:
    """When its cycles ended, which takes them a moment."""
    return [datetime.fromisoformat(event["timestamp"]) for event in daemon.events("cycle_finished")]


def test_the_first_cycle_comes_at_once_and_environment_variables_alone_suffice(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, schedule=NEVER) as here, here.start("run") as daemon:
        began = time.monotonic()
        daemon.wait_for("cycle_finished", outcome="ok")
        assert time.monotonic() - began < 30  # and not in a week
        assert not list(tmp_path.glob("*.toml"))
        assert daemon.stop() == 0
        names = [event["event"] for event in daemon.events() if event["event"] != "templates_synced"]
        assert names == [
            *("daemon_started", "drift_found", "cycle_finished", "daemon_stopping", "daemon_stopped"),
        ]
        assert daemon.out_path.read_bytes() == b""
        here.assert_complete()


def test_an_interval_is_kept_from_start_to_start(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, schedule="every 2s") as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", 4)
        assert daemon.stop() == 0
        times = ends(daemon)
        gap = (times[-1] - times[1]).total_seconds() / (
            len(times) - 2
        )  # one start may come late on a busy machine
        assert 1.5 < gap < 2.6, times


@pytest.mark.proof
def test_a_cron_line_starts_a_cycle_when_its_minute_comes(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, schedule="* * * * *") as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", 2, timeout=75)
        first, second = ends(daemon)[:2]
        assert (second.second < 5, second.minute != first.minute) == (True, True)
        assert daemon.stop() == 0


def test_runs_that_meet_one_still_going_on_are_left_out_without_noise(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=3)) as here:
        here.sandbox.inject(Fault("confirm", "hang", times=MANY))
        with here.start("run") as daemon:
            eventually(lambda: struck(here), "the confirm hangs")
            lists = len(here.sandbox.ledger.lists)
            time.sleep(3.5)  # three more runs come due meanwhile
            assert len(here.sandbox.ledger.lists) == lists
            assert begun(here) == 1
            names = {event["event"] for event in daemon.events()}
            assert names == {"daemon_started", "templates_synced", "drift_found"}
            assert daemon.stop() == 0


def test_a_cycle_that_hangs_is_ended_by_its_deadline_and_the_next_one_works(
    database_url: str, tmp_path: Path
) -> None:
    with site(
        database_url, tmp_path, SandboxConfig(profiles=10), SYNC__CYCLE_DEADLINE="2s", SYNC__MEDIA_RETRY="1s"
    ) as here:
        here.sandbox.inject(Fault("profiles", "slow", times=1, seconds_per_byte=0.5))
        here.sandbox.inject(Fault("profiles", "hang", times=1))
        here.sandbox.inject(Fault("media", "hang", times=1))  # costs its file half a cycle, and no cycle
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
            assert time.monotonic() - began < 20  # a step that hangs is given up after 25 s
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
    url = url_of(own_postgres)
    own_postgres.stop()
    with site(url, tmp_path) as here, here.start("run") as daemon:
        daemon.wait_for("database_unavailable")
        own_postgres.start()
        daemon.wait_for("cycle_finished", outcome="ok")
        assert daemon.stop() == 0
        assert len(daemon.events("database_unavailable")) == 1
        here.assert_complete()


def test_templates_come_with_the_start_and_removed_ones_stay_marked(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, schedule=NEVER) as here:
        with here.start("run") as daemon:
            [event] = daemon.wait_for("templates_synced")
            assert daemon.stop() == 0
        assert (event["listed"], event["new"], event["removed"]) == (8, 8, 0)
        here.sandbox.withdraw_template("azubi")
        with here.start("run") as daemon:
            [event] = daemon.wait_for("templates_synced")
            assert daemon.stop() == 0
        assert (event["listed"], event["new"], event["removed"]) == (7, 0, 1)
        gone = here.rows("SELECT template_key FROM ats.job_template WHERE removed_at IS NOT NULL")
        assert gone == [("azubi",)]


def test_templates_that_do_not_come_hold_up_no_cycle_and_no_stop(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=3, tenants=(Tenant("other", "s", 3), Tenant("third", "s", 3)))
    with site(database_url, tmp_path, config, schedule="every 1s") as here:
        here.sandbox.inject(Fault("templates", "hang", times=MANY))
        with here.start("run") as daemon:
            daemon.wait_for("cycle_finished", 3, outcome="ok")
            assert here.value("SELECT count(*) FROM ats.job_template") == 0
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 20
            assert daemon.events()[-1]["event"] == "daemon_stopped"
            assert not daemon.events("templates_crashed")


def test_refused_templates_are_told_once_and_fail_no_cycle(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, schedule="every 1s") as here:
        here.sandbox.inject(Fault("templates", "status", status=403, times=MANY))
        with here.start("run") as daemon:
            [event] = daemon.wait_for("templates_failed")
            daemon.wait_for("cycle_finished", 3, outcome="ok")
            assert event["level"] == "warning"
            assert "403" in event["error_message"]
            assert len(daemon.events("templates_failed")) == 1
            assert daemon.stop() == 0


def test_a_database_that_refuses_the_templates_is_told(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1), schedule="every 1s") as here:
        here.execute("ALTER TABLE ats.job_template RENAME COLUMN description TO other")
        with here.start("run") as daemon:
            [event] = daemon.wait_for("templates_failed")
            assert "SQLSTATE 42703" in event["error_message"]
            daemon.wait_for("cycle_finished", 2)
            assert daemon.stop() == 0
