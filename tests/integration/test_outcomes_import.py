"""Taking in what became of applications: all of it or nothing, only what differs, and of nobody else."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.model import Stage
from syncd.recruiting.outcomes import Imported, RemovedOutcome, import_outcomes
from syncd.store import report_rows
from syncd.store.database import Database
from tests.integration.job_lists import BERLIN, apply, execute, rows
from tests.integration.test_reports_kept import erase

STORED = "SELECT profile_id, stage, occurred_on FROM ats.outcome WHERE client_id = 'acme' ORDER BY 1, 2"
VERSIONS = "SELECT o.xmin::text, o.ctid::text, o.* FROM ats.outcome o ORDER BY 1, 2"
DUE = "SELECT profile_id FROM report_data.due ORDER BY 1"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.csv"


def take_in(database: Database, path: Path, content: str, **how: Any) -> Imported:
    path.write_text(content, encoding="utf-8")
    return import_outcomes(database, "acme", path, timezone=BERLIN, **how)


def counts(imported: Imported) -> tuple[int, int, int, int, int, int]:
    return (
        imported.read,
        imported.new,
        imported.changed,
        imported.unchanged,
        imported.unknown,
        imported.removed,
    )


def refreshed(database: Database) -> None:
    """Brings the rows of the reports up to date."""
    due = partial(report_rows.due, client_id="acme", after="", limit=500)
    while ids := database.transact(due, Deadline(60)).ids:
        some = partial(report_rows.refresh, client_id="acme", ids=ids, region="DE")
        database.transact(some, Deadline(60))


def test_outcomes_come_in_as_an_ats_writes_them_and_only_what_differs_is_written(
    database: Database, path: Path
) -> None:
    apply(database, "P", *"abcd")  # P-0 to P-3, on 1 November
    execute(database, "INSERT INTO ats.client (client_id) VALUES ('beta')")
    erase(database, "acme", ["P-3"])
    refreshed(database)
    german = (
        "Profil-ID;Stufe;Datum;Name\nP-0;Vorstellungsgespräch;02.11.2026;x\nP-0;eingestellt;2026-11-20;x\n"
        "P-1;Absage;2026-11-01T23:30:00-08:00;x\nP-3;Absage;2026-11-05;x\nP-9;hired;2026-11-05;x\n P-1;hired;2026-11-05;x\n"
        "P-9;offered;2026-11-04;x\n"
    )
    dry = take_in(database, path, german, dry_run=True)
    assert rows(database, "SELECT FROM ats.outcome") == rows(database, DUE) == []
    first = take_in(database, path, german)
    assert first == dry
    assert counts(first) == (7, 3, 0, 0, 4, 0)
    assert (first.unknown_applications, first.unknown_profiles) == (3, ("P-3", "P-9", " P-1"))
    assert first.notes == ("the column 'Name' is unknown and was ignored",)
    assert rows(database, STORED) == [
        ("P-0", "hired", date(2026, 11, 20)),
        ("P-0", "interviewed", date(2026, 11, 2)),
        ("P-1", "rejected", date(2026, 11, 2)),
    ]
    assert rows(database, DUE) == [("P-0",), ("P-1",)]
    refreshed(database)
    before = rows(database, VERSIONS)
    assert counts(take_in(database, path, german)) == (7, 0, 0, 3, 4, 0)
    assert (rows(database, VERSIONS), rows(database, DUE)) == (before, [])
    corrected = german.replace("2026-11-20", "2026-11-19")
    assert counts(take_in(database, path, corrected)) == (7, 0, 1, 2, 4, 0)
    assert rows(database, DUE) == [("P-0",)]
    refreshed(database)
    shown = (
        "SELECT hired_date, interviewed_date, days_to_hire FROM report.application WHERE profile_id = 'P-0'"
    )
    assert rows(database, shown) == [(date(2026, 11, 19), date(2026, 11, 2), 18)]
    complete = "profile_id,stage,date\nP-0,hired,2026-11-19\n"
    assert counts(take_in(database, path, complete)) == (1, 0, 0, 1, 0, 0)
    removed = take_in(database, path, complete, complete=True)
    assert removed.removed_outcomes == (
        RemovedOutcome("P-0", "interviewed"),
        RemovedOutcome("P-1", "rejected"),
    )
    refreshed(database)
    assert rows(database, shown) == [(date(2026, 11, 19), None, 18)]
    # An administrator's own SQL makes both due as well: whose outcome it was, and whose it is.
    execute(database, "UPDATE ats.outcome SET profile_id = 'P-2'")
    assert rows(database, DUE) == [("P-0",), ("P-2",)]
    execute(database, "DELETE FROM ats.application")
    assert rows(database, "SELECT FROM ats.outcome") == []


def test_a_file_with_mistakes_writes_nothing_and_names_all_of_them(database: Database, path: Path) -> None:
    apply(database, "P", "a", "b", "c")
    # Nobody knows when they applied.
    execute(database, "UPDATE ats.application SET applied_at = NULL WHERE profile_id = 'P-2'")
    lines = [
        "P-0;hired;2026-11-02",
        "P-0;Eingestellt;2026-11-03",
        "P-1;rejected;2026-10-31",
        "P-2;rejected;2026-10-31",
        "P-9;rejected;2026-10-31",
        ";hired;2026-11-02",
        f"{'x' * 513};hired;2026-11-02",
        "P-1;Neu\x1b[2J;2026-11-02",
        "P-1;hired;31.02.2026",
        "P-1;withdrawn;",
        "P-1;offered;2999-01-01",
        "P-1;hired",
    ]
    with pytest.raises(BadInput) as caught:
        take_in(database, path, "profile_id;stage;date\n" + "\n".join(lines), complete=True)
    assert caught.value.problems == (
        "line 3: duplicate of the profile_id and stage in line 2",
        "line 4: the date is before the day of the application",
        "line 7: the profile_id is empty",
        "line 8: the profile_id is longer than 512 bytes",
        "line 9: the stage is 'Neu\\x1b[2J'; write screened, interviewed, offered, hired, rejected or withdrawn",
        "line 10: the date is '31.02.2026'; write a day like 2026-11-01 or 01.11.2026",
        "line 11: the date is ''; write a day like 2026-11-01 or 01.11.2026",
        "line 12: the date 2999-01-01 is in the future",
        "line 13: the header has 3 fields, but this line has 2",
    )
    assert rows(database, "SELECT FROM ats.outcome") == []
    take_in(database, path, "profile_id;stage;date\nP-0;hired;2026-11-02\n")
    strangers = "profile_id;stage;date\n4711;hired;2026-11-02\n"
    assert counts(take_in(database, path, strangers)) == (1, 0, 0, 0, 1, 0)
    with pytest.raises(BadInput, match="the file names no application that is in the database"):
        take_in(database, path, strangers, complete=True)
    assert rows(database, STORED) == [("P-0", "hired", date(2026, 11, 2))]


LAND = """
    INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256, raw_sha256, applied_at)
    SELECT 'acme', 'P-' || n, '"P"', '\\x01', '\\x01', '2026-11-01' FROM generate_series(1, 5000) n
    """


def test_a_long_list_takes_time_in_proportion(database: Database, path: Path) -> None:
    execute(database, "INSERT INTO ats.client (client_id) VALUES ('acme')")
    execute(database, LAND)
    content = "profile_id;stage;date\n" + "".join(f"P-{n};hired;2026-11-02\n" for n in range(1, 10_001))
    read: list[int] = []
    began = time.process_time()
    imported = take_in(database, path, content, progress=read.append)
    assert time.process_time() - began < 3
    assert read == list(range(1000, 10_001, 1000))
    assert counts(imported) == (10_000, 5000, 0, 0, 5000, 0)
    assert (imported.unknown_applications, len(imported.unknown_profiles)) == (5000, 1000)
    assert imported.unknown_profiles[:2] == ("P-5001", "P-5002")
    assert counts(take_in(database, path, content)) == (10_000, 0, 0, 5000, 5000, 0)


def test_imports_and_a_cycle_at_the_same_time_leave_the_reports_as_the_outcomes_are(
    database: Database, tmp_path: Path
) -> None:
    apply(database, "P", *(f"job {number % 7}" for number in range(200)))
    rng = random.Random(1)
    for round_no in range(3):
        lines = [
            f"P-{number};{rng.choice(list(Stage))};2026-11-{rng.randrange(2, 21):02}\n"
            for number in range(200)
        ]
        paths = [tmp_path / f"{round_no}-{number}.csv" for number in range(2)]
        for path in paths:  # the same list in two orders
            rng.shuffle(lines)
            path.write_text("profile_id;stage;date\n" + "".join(lines))
        with ThreadPoolExecutor() as pool:
            imports = [
                pool.submit(import_outcomes, database, "acme", path, timezone=BERLIN) for path in paths
            ]
            cycles = [pool.submit(refreshed, database)]
            cycles += [pool.submit(apply, database, f"Q{round_no}{number}", *"abc") for number in range(2)]
            one, other = (each.result() for each in imports)
            assert [each.result() for each in cycles] == [None] * 3
        assert sorted([one.unchanged, other.unchanged]) == [one.unchanged + other.unchanged - 200, 200]
    refreshed(database)
    wrong = "SELECT FROM report_data.application r WHERE " + " OR ".join(
        f"{stage}_on IS DISTINCT FROM (SELECT occurred_on FROM ats.outcome o "
        f"WHERE o.profile_id = r.profile_id AND stage = '{stage}')"
        for stage in Stage
    )
    assert rows(database, wrong) == []
    assert rows(database, "SELECT count(*) >= 200 FROM ats.outcome") == [(True,)]
