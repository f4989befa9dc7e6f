"""A list that says it is the whole one (S2.4): what it no longer names is closed, and open again once it is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from syncd.store.database import Database
from tests.integration.job_lists import BERLIN, apply, counts, execute, jobs, problems, take_in


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


def test_a_complete_list_closes_earlier_jobs_that_it_does_not_name_and_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    take_in(database, tmp_path, "reference\nforeign\n", client="beta")
    take_in(
        database, tmp_path, "reference;status;closed\nstays;open;\ngoes;open;\nwas closed;closed;1.1.2026\n"
    )
    apply(database, "P", "stub", "goes")
    execute(
        database,
        "INSERT INTO ats.job (client_id, external_reference_id, origin) VALUES ('acme', 'link', 'link')",
    )
    before = jobs(database)
    assert counts(take_in(database, tmp_path, "reference\nstays\n")) == (1, 0, 0, 0, 1, 0)
    assert jobs(database) == before
    assert counts(take_in(database, tmp_path, "reference\nstays\n", complete=True)) == (1, 0, 0, 0, 1, 1)
    after = jobs(database)
    assert (after["goes"].status, after["goes"].applications) == ("open", 1)
    assert after["goes"].closed_at == after["goes"].unlisted_at is not None
    assert (after["was closed"].closed_at, after["was closed"].unlisted_at) == (
        before["was closed"].closed_at,
        after["goes"].unlisted_at,
    )
    for touched in ("goes", "was closed"):
        del before[touched], after[touched]
    assert after == before
    assert take_in(database, tmp_path, "reference\nstays\n", complete=True).closed == 0


def test_a_job_that_is_listed_again_is_open_again_unless_it_had_been_closed_otherwise(
    database: Database, tmp_path: Path
) -> None:
    take_in(database, tmp_path, "reference;closed\na;\nb;1.1.2026\nc;\n")
    before = jobs(database)
    take_in(database, tmp_path, "reference\nc\n", complete=True)
    assert take_in(database, tmp_path, "reference\na\nb\nc\n").changed == 2
    assert jobs(database) == before
    take_in(database, tmp_path, "reference\nc\n", complete=True)
    take_in(database, tmp_path, "reference;closed\na;2.1.2026\n")
    job = jobs(database)["a"]
    assert (job.closed_at, job.unlisted_at) == (datetime(2026, 1, 2, tzinfo=BERLIN), None)


def test_a_complete_list_without_a_job_is_refused(database: Database, tmp_path: Path) -> None:
    take_in(database, tmp_path, "reference\n1\n")
    for empty in ("reference\n", "reference;title\n;\n\n"):
        assert problems(database, tmp_path, empty, complete=True) == (
            "line 1: the file has no lines below the header",
        )
    assert jobs(database)["1"].closed_at is None
