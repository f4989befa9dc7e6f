"""The stage of the cycle that brings the reports up to date: what it cannot write stays due, and it writes as the holder."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import DataRefused, LeaseLost
from syncd.sandbox import SandboxConfig
from syncd.sync.report import refresh_reports
from syncd.sync.work import Work
from tests.scene import Scene, scene

CHANGE = "UPDATE ats.application SET revision = revision + 1"
REVISIONS = "SELECT profile_id, revision FROM report_data.application"


def shown(s: Scene) -> dict[str, int]:
    return {row["profile_id"]: row["revision"] for row in s.rows(REVISIONS)}


def due(s: Scene) -> set[str]:
    return {row["profile_id"] for row in s.rows("SELECT profile_id FROM report_data.due")}


def test_a_row_that_postgres_refuses_stays_due_and_others_wait_for_nothing(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=4, media_per_profile=0.0)) as s:
        assert s.cycle().error is None
        first, *others = ids = sorted(shown(s))
        assert (len(ids), due(s)) == (4, set())
        s.execute(f"ALTER TABLE report_data.application ADD CHECK (profile_id <> '{first}' OR revision = 1)")
        s.execute(CHANGE)
        ended = s.cycle()
        assert isinstance(ended.error, DataRefused)
        assert (due(s), shown(s)) == ({first}, {first: 1} | dict.fromkeys(others, 2))
        s.execute("ALTER TABLE report_data.application DROP CONSTRAINT application_check")
        assert s.cycle().error is None
        assert (due(s), shown(s)) == (set(), dict.fromkeys(ids, 2))


def test_a_process_that_has_lost_its_lease_writes_no_row_of_the_reports(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=3, media_per_profile=0.0)) as s:
        s.cycle()
        s.execute(CHANGE)
        lease = s.outsides.keeper.hold("acme")
        assert lease
        work = Work(s.client.plan, s.client.api, s.outsides.database, s.outsides.vault, lease, Deadline(60))
        s.execute("UPDATE ops.lease SET fence = fence + 1, holder = 'another host/1'")
        with pytest.raises(LeaseLost):
            refresh_reports(work)
        assert (set(shown(s).values()), len(due(s))) == ({1}, 3)
