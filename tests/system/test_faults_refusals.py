"""Postgres is there and will not let syncd work: no cycle succeeds, and the log says so."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import SandboxConfig
from tests.database import url_of
from tests.system.processes import Running, Site, eventually, site

CONFIG = SandboxConfig(profiles=5, media_per_profile=0.5)
RIGHTS = (
    "CREATE ROLE worker LOGIN PASSWORD 'worker' NOSUPERUSER",
    "GRANT USAGE ON SCHEMA ats, ops, report_data, public TO worker",
    "GRANT ALL ON ALL TABLES IN SCHEMA ats, ops, report_data, public TO worker",
    "GRANT ALL ON ALL SEQUENCES IN SCHEMA ats, ops, report_data TO worker",
)


def failed_cycles(here: Site, count: int) -> None:
    failed = "SELECT count(*) >= %s FROM ops.cycle WHERE outcome = 'failed'"
    eventually(lambda: here.value(failed, count), f"{count} cycles failed", 150)


def mends_itself(here: Site, daemon: Running) -> None:
    assert here.sandbox.findings == []
    eventually(lambda: not here.outstanding(), "it goes on", 60)
    assert daemon.stop() == 0
    assert not daemon.events("cycle_crashed")
    here.assert_complete()


def assert_told(here: Site, daemon: Running, state: str) -> None:
    """At least one line at level error says why, and at most one for each cycle that failed."""
    # The row is committed a moment before the line is written.
    eventually(lambda: [event for event in daemon.events() if event["level"] == "error"], "it is told")
    told = [event for event in daemon.events() if event["level"] == "error"]
    assert 1 <= len(told) <= here.value("SELECT count(*) FROM ops.cycle WHERE outcome = 'failed'")
    assert state in told[0].get("reason", "") + told[0].get("error_message", "")


def test_a_right_that_was_taken_away_is_told_and_the_work_goes_on_when_it_is_given_back(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """So is a disk of Postgres that has become read-only: errno EROFS is SQLSTATE 42501 as well."""
    of_admin = url_of(own_postgres)
    with psycopg.connect(of_admin.replace("+psycopg", ""), autocommit=True) as admin:
        for statement in RIGHTS:
            admin.execute(statement.encode())
        url = make_url(of_admin).set(username="worker", password="worker")
        with (
            site(url.render_as_string(hide_password=False), tmp_path, CONFIG) as here,
            here.start("run") as daemon,
        ):
            daemon.wait_for("cycle_finished", outcome="ok")
            admin.execute("REVOKE INSERT ON ats.application FROM worker")
            here.sandbox.add_profiles(5)
            failed_cycles(here, 2)
            assert_told(here, daemon, "42501")
            admin.execute("GRANT INSERT ON ats.application TO worker")
            mends_itself(here, daemon)


@pytest.mark.proof
def test_a_table_that_stays_locked_is_told_and_the_work_goes_on_when_it_is_free(
    database_url: str, tmp_path: Path
) -> None:
    """A `VACUUM FULL`, or somebody who went to lunch in the middle of a transaction: five waits of ten seconds each."""
    with site(database_url, tmp_path, CONFIG) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", outcome="ok")
        with psycopg.connect(database_url.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE ats.application IN EXCLUSIVE MODE")
            here.sandbox.add_profiles(5)
            failed_cycles(here, 1)
            assert_told(here, daemon, "55P03")
        mends_itself(here, daemon)


@pytest.mark.long
def test_a_table_that_is_locked_for_a_while_is_waited_for(database_url: str, tmp_path: Path) -> None:
    """Longer than `lock_timeout`: the whole transaction is tried again, and the same cycle ends well."""
    with site(database_url, tmp_path, CONFIG) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", outcome="ok")
        with psycopg.connect(database_url.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE ats.application IN EXCLUSIVE MODE")
            here.sandbox.add_profiles(5)
            waiting = "SELECT 1 FROM pg_stat_activity WHERE starts_with(application_name, 'syncd') AND wait_event_type = 'Lock'"
            eventually(lambda: here.rows(waiting), "it waits")
            other.execute("SELECT pg_sleep(10.5)")
        daemon.wait_for("cycle_finished", outcome="ok", new=5)
        mends_itself(here, daemon)
        assert here.value("SELECT count(*) FROM ops.cycle WHERE outcome = 'failed'") == 0
