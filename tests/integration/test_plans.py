"""What the queries of a cycle cost on tables that were never analysed, as after `syncd db upgrade`: it grows with the rows at most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from syncd.sandbox import SandboxConfig
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
