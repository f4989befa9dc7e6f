"""What the queries of a cycle cost on tables that were never analysed, as after `syncd db upgrade`: it grows with the rows at most.

Nor do those of the reports cost more on tables that were empty when Postgres counted their rows last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from syncd.demo.sample_store import fill
from syncd.sandbox import SandboxConfig
from syncd.store.database import Database
from tests.scene import Scene, scene

SMALL, LARGE = 1_000, 4_000
# Two pages each, for what one row costs whatever the size of the tables.
SLACK = 400
FILL = (
    "ALTER TABLE ats.application SET (autovacuum_enabled = false)",
    "ALTER TABLE ats.media SET (autovacuum_enabled = false)",
    "ALTER TABLE ops.quarantine SET (autovacuum_enabled = false)",
    "INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256, raw_sha256) "
    "SELECT 'acme', 'old-' || n, '\"old\"', sha256(n::text::bytea), sha256(n::text::bytea) FROM generate_series(1, :rows) n",
    "INSERT INTO ats.media (client_id, profile_id, media_id, next_attempt_at) "
    "SELECT 'acme', 'old-' || n, 'cv', now() + interval '1 hour' FROM generate_series(1, :rows) n",
    "INSERT INTO ops.quarantine (client_id, profile_id, stage, error, fingerprint, payload) "
    "SELECT 'acme', 'bad-' || n, 'read', 'not an object', sha256(n::text::bytea), '1' FROM generate_series(1, :rows) n",
)


@contextmanager
def costs() -> Iterator[dict[str, int]]:
    """The pages that each statement reads, the most expensive time of each, before it runs for real."""
    most: dict[str, int] = {}

    def explain(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if statement.split()[0] not in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            return
        for each in parameters if many else [parameters]:
            with cursor.connection.cursor() as asking:
                asking.execute("SAVEPOINT before")
                asking.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", each)
                (plans,) = asking.fetchone()
                asking.execute("ROLLBACK TO before")
            plan = (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]
            pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            most[statement] = max(most.get(statement, 0), pages)

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield most
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def cycle_costs(database_url: str, folder: Path, rows: int) -> dict[str, int]:
    """The cost of each statement of a cycle with new, changed, unreadable and listed profiles, beside so many old rows."""
    config = SandboxConfig(profiles=6, media_per_profile=2.0, after_confirm="stay")
    with scene(database_url, folder / str(rows), config=config) as s:
        s.execute(
            "TRUNCATE ats.application, ops.quarantine, report_data.application, report_data.due, "
            "report_data.placeholder_cv CASCADE"
        )
        assert s.cycle().error is None
        for statement in FILL:
            s.execute(statement, **({"rows": rows} if ":rows" in statement else {}))
        assert s.cycle().error is None  # the reports have rows for all of them
        change(s)
        with costs() as found:
            ended = s.cycle()
        assert ended.error is None
        assert (ended.tally.changed, ended.tally.quarantined) == (1, 1)
        assert ended.tally.confirmed >= 2
        return found


def change(s: Scene) -> None:
    """One changes and drops its files, one is new, and one is unreadable."""
    first, *_ = s.sandbox.expected()
    dropped = [
        row["media_id"]
        for row in s.rows(
            "SELECT media_id FROM ats.media WHERE profile_id = :id ORDER BY media_id", id=first["profileId"]
        )
    ]
    s.sandbox.change_profile(first["profileId"], fields={"firstName": "Other"}, drop_media=dropped[:1])
    s.sandbox.add_profiles(1)
    s.sandbox.put_raw_profile(b'{"profileId": "bad-1", "steps": 7}')


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> tuple[dict[str, int], dict[str, int]]:
    return cycle_costs(database_url, tmp_path, SMALL), cycle_costs(database_url, tmp_path, LARGE)


def test_no_query_of_a_cycle_costs_more_than_in_proportion_on_tables_without_statistics(
    both: tuple[dict[str, int], dict[str, int]],
) -> None:
    small, large = both
    assert set(small) == set(large)
    assert len(small) > 25
    growth = LARGE / SMALL
    too_much = {
        statement: (small[statement], pages)
        for statement, pages in large.items()
        if pages > growth * small[statement] + SLACK
    }
    assert too_much == {}
    # A lookup of one id is one, whatever the table holds.
    by_id = [statement for statement in large if "LATERAL" in statement]
    assert by_id
    assert {statement: large[statement] for statement in by_id if large[statement] > SLACK} == {}


SAMPLE = 600
TABLES = (
    "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables "
    "WHERE schemaname IN ('ats', 'ops', 'report_data') AND relname <> 'secret'"
)


def sample_costs(database_url: str, folder: Path) -> dict[str, int]:
    """The cost of each statement that a sample takes, some of which is erased."""
    with Database(database_url) as database, costs() as found:
        fill(database, folder, applications=SAMPLE, seed=1, until=date(2026, 11, 30), stop=Event())
    return found


def empty(database_url: str) -> None:
    """Delete all rows, as years of erasures do, while Postgres counts the rows."""
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        for (table,) in connection.exec_driver_sql(TABLES.replace("%", "%%")).all():
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def test_no_query_of_the_reports_costs_more_on_tables_that_were_counted_when_they_were_empty(
    database_url: str, tmp_path: Path
) -> None:
    before = sample_costs(database_url, tmp_path / "before")
    empty(database_url)
    after = sample_costs(database_url, tmp_path / "after")
    of_reports = [statement for statement in before if "report_data" in statement]
    assert len(of_reports) > 15
    too_much = {
        statement: (before[statement], after[statement])
        for statement in of_reports
        # Index entries of deleted rows are read, too.
        if after[statement] > 3 * before[statement] + 4 * SAMPLE
    }
    assert too_much == {}
