"""A list that says it is the whole one (S2.4): what it no longer names is closed, and open again once it is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from syncd.store.database import Database
from syncd.store.jobs import ClosedJob
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


def test_what_a_complete_list_closes_is_named_in_a_dry_run_too(database: Database, tmp_path: Path) -> None:
    take_in(database, tmp_path, "reference;title;closed\n00123;Koch;\n7;Bar;1.1.2026\n8;;1.1.2099\nstays;;\n")
    before = jobs(database)
    dry = take_in(database, tmp_path, "reference\nstays\n", complete=True, dry_run=True)
    assert jobs(database) == before
    assert dry == take_in(database, tmp_path, "reference\nstays\n", complete=True)
    assert dry.closed == 2
    assert dry.closed_jobs == (ClosedJob("00123", "Koch"), ClosedJob("8", None))
    # A job that was to close in 2099 is closed now.
    assert jobs(database)["8"].closed_at == jobs(database)["8"].unlisted_at


def test_closed_jobs_beyond_a_thousand_are_counted(database: Database, tmp_path: Path) -> None:
    take_in(database, tmp_path, "reference\n" + "".join(f"{number}\n" for number in range(1001)))
    closing = take_in(database, tmp_path, "reference\nnew\n", complete=True)
    assert (closing.closed, len(closing.closed_jobs)) == (1001, 1000)


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        ("123", "line 2: the reference '123' is new, but '00123' is known."),
        ("00123\u00a0", "line 2: the reference '00123\\xa0' contains a blank"),
        ("\ufeff00123", "line 2: the reference '\\ufeff00123' contains a blank"),
        (" 00123", "line 2: the reference ' 00123' contains a blank"),
        ("1,23E+11", "line 2: the reference '1,23E+11' is a number in scientific notation"),
        ("1.23457e+15", "line 2: the reference '1.23457e+15' is a number in scientific notation"),
        (
            "1234567890123450000",
            "line 2: the reference '1234567890123450000' is a number of more than 15 digits",
        ),
        ("123.0", "line 2: the reference '123.0' is a number with decimal places."),
        ("#NV", "line 2: the reference '#NV' is an error value"),
        ("#N/A", "line 2: the reference '#N/A' is an error value"),
        ("#BEZUG!", "line 2: the reference '#BEZUG!' is an error value"),
        ("#DIV/0!", "line 2: the reference '#DIV/0!' is an error value"),
        ("########", "line 2: the reference '########' is an error value"),
        ("nan", "line 2: the reference 'nan' is an error value"),
        ("01.02.2026", "line 2: the reference '01.02.2026' is a date"),
        ("2. Jan", "line 2: the reference '2. Jan' is a date"),
        ("Mrz 26", "line 2: the reference 'Mrz 26' is a date"),
        ("WAHR", "line 2: the reference 'WAHR' is a truth value"),
        ('="00123"', "line 2: the reference '=\"00123\"' begins with ="),
        ("'00123", 'line 2: the reference "\'00123" begins with ='),
    ],
)
def test_a_reference_that_a_spreadsheet_has_changed_is_noted_by_its_line(
    damaged: str, told: str, database: Database, tmp_path: Path
) -> None:
    take_in(database, tmp_path, "reference\n00123\n")
    cell = damaged.replace('"', '""')
    imported = take_in(database, tmp_path, f'reference\n"{cell}"\n', complete=True, dry_run=True)
    assert [note for note in imported.notes if note.startswith(told)]
    assert imported.closed_jobs == (ClosedJob("00123", None),)


@pytest.mark.parametrize(
    ("known", "changed"),
    [
        ("EL-77", "EL\u201377"),
        ("EL-77", "EL\u201177"),
        ("S\u00fcd", "Su\u0308d"),
        ("Su\u0308d", "s\u00fcd"),
        ("A12", "\uff2112"),
    ],
    ids=[
        "a dash",
        "a hyphen that keeps a line together",
        "an umlaut in two",
        "an umlaut in one",
        "a wide letter",
    ],
)
def test_a_new_reference_that_only_looks_like_a_known_one_is_noted(
    known: str, changed: str, database: Database, tmp_path: Path
) -> None:
    take_in(database, tmp_path, f"reference\n{known}\n")
    (note,) = take_in(database, tmp_path, f"reference\n{changed}\n").notes
    assert "is new, but" in note


@pytest.mark.parametrize(
    "reference",
    [
        "00123",
        "JOB-2026-01",
        "K 7",
        "1-2",
        "Marketing",
        "Mai",
        "E5",
        "A1E5",
        "#12",
        "Ä/ö? #1%+ 🚲",
        "👩\u200d🚒",
    ],
)
def test_an_ordinary_reference_is_not_noted(reference: str, database: Database, tmp_path: Path) -> None:
    assert take_in(database, tmp_path, f"reference\n{reference}\n").notes == ()
    assert take_in(database, tmp_path, f"reference\n{reference}\n", complete=True).notes == ()


def test_notes_about_references_beyond_a_hundred_are_counted(database: Database, tmp_path: Path) -> None:
    take_in(database, tmp_path, "reference\n" + "".join(f"0{number}\n" for number in range(1, 300)))
    notes = take_in(
        database, tmp_path, "reference\n" + "".join(f"{number}\n" for number in range(1, 300))
    ).notes
    assert notes[0].startswith("line 2: the reference '1' is new, but '01' is known.")
    assert (len(notes), notes[-1]) == (101, "and 199 more notes")
