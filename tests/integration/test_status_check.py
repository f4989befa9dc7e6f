"""`syncd status --check`: a verdict for monitoring systems, and what it costs Postgres."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from syncd.cli.verdict import Verdict, problems_of
from syncd.deadline import Deadline
from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from syncd.settings import ClientSettings, Cron, Every, Secret, StatusSettings
from syncd.store import cycles, status
from syncd.store.cycles import Tally
from syncd.store.database import Database
from syncd.store.migrate import HEAD, downgrade
from syncd.store.status import ClientStatus
from tests.system.processes import MANY, Site, site

NOTHING_LISTENS = "postgresql://syncd@127.0.0.1:1/ats"


def check(here: Site, *arguments: str, **environ: str) -> tuple[int, str]:
    """The exit code, and what is printed."""
    result = here.run("status", "--check", *arguments, **environ)
    return result.returncode, result.stdout


def aged(here: Site, age: str) -> None:
    here.execute(f"UPDATE ops.client_state SET last_good_at = now() - interval '{age}'")


def test_the_verdict_names_the_client_and_what_to_do(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        assert check(here) == (
            2,
            "CRITICAL: client 'acme': no cycle has ever ended well. "
            "No process works for this client: start `syncd run`.\n",
        )
        here.run("sync")
        code, said = check(here)
        assert (code, said.startswith("OK: 1 client, the oldest last good cycle is ")) == (0, True)
        aged(here, "11 min")
        code, said = check(here)
        assert (code, said.startswith("WARNING: client 'acme': no cycle has ended well for 11 min. ")) == (
            1,
            True,
        )
        assert check(here, STATUS__GOOD_WARNING="12m")[0] == 0
        assert check(here, STATUS__GOOD_CRITICAL="10m")[0] == 2
        aged(here, "25 h")
        assert check(here)[0] == 2
        here.run("sync")
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "steps": 7}')
        here.sandbox.inject(Fault("media", "status", status=503, times=MANY))
        here.sandbox.add_profiles(5)
        here.run("sync")
        here.execute("UPDATE ats.application SET changed_at = changed_at - interval '13 h'")
        here.execute("UPDATE ats.application SET first_seen_at = first_seen_at - interval '50 h'")
        code, said = check(here)
        first, *others = said.splitlines()
        assert (code, len(others)) == (2, 2)
        assert first.startswith("CRITICAL: client 'acme': ")
        assert "the oldest for 2 d" in first
        assert first.endswith("(2 more below)")
        assert [line.split()[0] for line in others] == ["WARNING:", "WARNING:"]
        assert "files are not fetched, the oldest for 13 h" in others[0]
        assert others[1].endswith("1 profile is in quarantine. Run `syncd quarantine list`.")
        never = {f"STATUS__{name}": "never" for name in ("UNCONFIRMED_WARNING", "UNCONFIRMED_CRITICAL")}
        code, said = check(here, "--json", **never)
        told = json.loads(said)
        assert (code, told["verdict"], told["clients"][0]["client_id"]) == (1, "WARNING", "acme")
        assert {problem["client_id"] for problem in told["problems"]} == {"acme"}


def test_failures_other_schemas_and_what_cannot_be_known(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.run("sync")
        here.sandbox.inject(Fault("profiles", "status", status=403, times=3))
        for _ in range(3):
            here.run("sync")
        code, said = check(here)
        assert (code, said) == (
            1,
            "WARNING: client 'acme': 3 cycles have failed since the last good one. "
            "The last cycle: PitchYou refused the list of profiles with HTTP 403\n",
        )
        here.run("sync")
        code, said = check(here, DATABASE__URL=NOTHING_LISTENS)
        assert (code, said.startswith("CRITICAL: "), "start Postgres" in said) == (2, True, True)
        code, said = check(here, SYNC__BATCH_SIZE="none")
        assert (code, said.startswith("UNKNOWN: the configuration cannot be used: sync.batch_size")) == (
            3,
            True,
        )
        code, said = check(here, "--client", "amce")
        assert (code, said.startswith("UNKNOWN: no client 'amce' in the configuration")) == (3, True)
        here.execute("UPDATE ops.alembic_version SET version_num = '9999'")  # of a newer syncd
        assert check(here)[0] == 0
        here.execute(f"UPDATE ops.alembic_version SET version_num = '{HEAD}'")
        downgrade(database_url, "0009")
        assert check(here)[0] == 0
        downgrade(database_url, "base")
        code, said = check(here)
        assert (code, "run `syncd db upgrade`" in said) == (2, True)


FRIDAY_EVENING = datetime(2026, 3, 6, 20, 50, tzinfo=UTC)
OFFICE_HOURS = Cron("*/10 6-20 * * mon-fri")


@pytest.mark.parametrize(
    ("schedule", "age", "expected"),
    [
        (Every(60), timedelta(minutes=11), Verdict.OK),
        (Every(60), timedelta(minutes=13), Verdict.WARNING),
        (Every(60), timedelta(hours=24, minutes=1), Verdict.CRITICAL),
        (Every(86_400), timedelta(days=2), Verdict.OK),
        (Every(86_400), timedelta(days=2, minutes=11), Verdict.WARNING),
        (Every(86_400), timedelta(days=3, minutes=11), Verdict.CRITICAL),
        (OFFICE_HOURS, timedelta(days=2, hours=9, minutes=29), Verdict.OK),
        (OFFICE_HOURS, timedelta(days=2, hours=9, minutes=31), Verdict.WARNING),
        (OFFICE_HOURS, timedelta(days=3, hours=9, minutes=11), Verdict.CRITICAL),
    ],
)
def test_the_default_limits_follow_the_schedule(
    schedule: Every | Cron, age: timedelta, expected: Verdict
) -> None:
    """Over a weekend without runs, nothing is late. Two runs are due on Monday at 6:00 and at 6:10."""
    client = ClientSettings("acme", Secret(None), schedule=schedule)
    state = ClientStatus(
        *("acme", FRIDAY_EVENING, age.total_seconds(), FRIDAY_EVENING, "ok", None, 0, None),
        *(0, None, None, 0, 0, None, 0, "holder"),
    )
    found = list(problems_of(client, state, StatusSettings(), FRIDAY_EVENING + age))
    assert [problem.verdict for problem in found] == ([] if expected is Verdict.OK else [expected])


CLIENTS, BUSY_A_DAY, DAYS, IDLE = 50, 40, 90, 300
"""A client that gets applications in 40 cycles of each day."""

HISTORY = """
    INSERT INTO ops.cycle (client_id, trigger, version, outcome, started_at, heartbeat_at, finished_at, error_class,
        error_message, seen, new, unchanged, media_stored, media_bytes, confirmed, http_calls)
    SELECT 'client-' || number, 'schedule', '0.1.0', outcome, at, at, at,
        CASE outcome WHEN 'failed' THEN 'ApiRefused' END,
        CASE outcome WHEN 'failed' THEN 'PitchYou refused the list of profiles with HTTP 403' END, 9, 1, 8, 2, 1000000, 1, 5
    FROM generate_series(1, %(clients)s) AS number,
        generate_series(now() - %(days)s * interval '1 day', now(), %(every)s * interval '1 s') AS at,
        CAST(%(outcome)s AS text) AS outcome
    """
STATES = """
    INSERT INTO ops.client_state (client_id, is_running, trigger, version, last_started_at, heartbeat_at,
        last_finished_at, last_outcome, last_good_at, cycles_by_hour)
    SELECT 'client-' || number, false, 'schedule', '0.1.0', now(), now(), now(), 'ok', now(), array_fill(60, ARRAY[24])
    FROM generate_series(1, 1000) AS number
    """
BYTES = "SELECT pg_total_relation_size('ops.cycle'), (SELECT count(*) FROM ops.cycle), pg_total_relation_size('ops.client_state')"


def test_a_year_of_cycles_each_minute_stays_small_and_status_stays_fast(cloned_database_url: str) -> None:
    """Rows are counted on a tenth of the clients, and their bytes are computed for all. docs/performance.md has both."""
    with psycopg.connect(cloned_database_url.replace("+psycopg", ""), autocommit=True) as connection:
        few = CLIENTS // 10
        connection.execute(
            HISTORY, {"clients": few, "days": DAYS, "every": 86_400 // BUSY_A_DAY, "outcome": "ok"}
        )
        connection.execute(STATES)
        # Cycles of one client that do nothing. Nothing vacuums in between.
        with Database(cloned_database_url) as database:
            for _ in range(IDLE):
                database.transact(lambda c: cycles.begin(c, "client-1", "schedule"), Deadline(30))
                database.transact(
                    lambda c: cycles.finish(c, "client-1", Tally(seen=9), Outcome.OK, history_days=DAYS + 1),
                    Deadline(30),
                )
        ((cycle_bytes, cycle_rows, state_bytes),) = connection.execute(BYTES)
        total = CLIENTS / few * cycle_bytes + state_bytes
        assert cycle_rows == pytest.approx(few * BUSY_A_DAY * DAYS, rel=0.01)
        assert state_bytes < 600_000, state_bytes
        assert total < 100_000_000, (total, cycle_bytes / cycle_rows)
        # A client that has failed each minute for two weeks.
        connection.execute(HISTORY, {"clients": 1, "days": 14, "every": 60, "outcome": "failed"})
        connection.execute("ANALYZE ops.cycle, ops.client_state")
        names = [f"client-{number}" for number in range(1, 1001)]
        query = str(status._OF_CLIENTS.compile()).replace(":client_ids", "%(client_ids)s")
        explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + query
        took = min(
            connection.execute(explain.encode(), {"client_ids": names}).fetchall()[0][0][0]["Execution Time"]
            for _ in range(3)
        )
        assert took < 100, f"{took} ms"
