"""Taking in the ATS's list of jobs (S2.4): all of it or nothing, only what differs, and beside a working daemon."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.recruiting.jobs import import_jobs
from syncd.store.database import Database
from tests.integration.job_lists import BERLIN, apply, counts, execute, jobs, problems, rows, take_in

HEADER = "reference;title;department;location;recruiter;status;opened;closed\n"
UNUSUAL = "Ä/ö? #1%+ 🚲"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


def test_everything_a_file_says_of_a_job_is_stored(database: Database, tmp_path: Path) -> None:
    line = f"{UNUSUAL};Köch:in;Küche;Köln;Jana Öz;open;2026-11-01;01.02.2027 08:30\n"
    assert counts(take_in(database, tmp_path, HEADER + line)) == (1, 1, 0, 0, 0, 0)
    (job,) = jobs(database).values()
    assert (job.external_reference_id, job.title, job.department) == (UNUSUAL, "Köch:in", "Küche")
    assert (job.location, job.recruiter, job.status, job.origin) == ("Köln", "Jana Öz", "open", "import")
    assert job.opened_at == datetime(2026, 11, 1, tzinfo=BERLIN)
    assert job.closed_at == datetime(2027, 2, 1, 8, 30, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-07-01", datetime(2026, 7, 1, tzinfo=BERLIN)),
        ("2026-07-01T08:00", datetime(2026, 7, 1, 8, tzinfo=BERLIN)),
        ("2026-07-01 08:00:30Z", datetime(2026, 7, 1, 8, 0, 30, tzinfo=UTC)),
        (" 1.7.2026 ", datetime(2026, 7, 1, tzinfo=BERLIN)),
        ("01.07.2026, 8:05", datetime(2026, 7, 1, 8, 5, tzinfo=BERLIN)),
        ("9999-12-31T23:59:59", datetime(9999, 12, 31, 23, 59, 59, tzinfo=BERLIN)),
    ],
)
def test_times_are_iso_or_german_and_local_where_they_name_no_offset(
    written: str, meant: datetime, database: Database, tmp_path: Path
) -> None:
    take_in(database, tmp_path, f"reference;closed\n1;{written}\n")
    assert jobs(database)["1"].closed_at == meant


def test_references_are_kept_to_the_byte(database: Database, tmp_path: Path) -> None:
    kept = {UNUSUAL, " a ", ".", "..", "two\r\nlines", "=1+1", "<script>", "\u202egpj", "R" * 1024, "ä" * 512}
    take_in(database, tmp_path, "reference\n" + "".join(f'"{reference}"\n' for reference in sorted(kept)))
    assert set(jobs(database)) == kept


def test_what_is_the_same_is_not_written(database: Database, tmp_path: Path) -> None:
    content = HEADER + "1;A;;;;open;2026-11-01;\n2;B;;;;open;;\n"
    take_in(database, tmp_path, content)
    before = rows(database, "SELECT job.xmin::text, job.ctid::text, job.* FROM ats.job ORDER BY 4")
    assert counts(take_in(database, tmp_path, content)) == (2, 0, 0, 0, 2, 0)
    assert rows(database, "SELECT job.xmin::text, job.ctid::text, job.* FROM ats.job ORDER BY 4") == before
    changed = take_in(database, tmp_path, content.replace("B", "C") + "3;D;;;;;;\n")
    assert counts(changed) == (3, 1, 0, 1, 1, 0)


def test_an_empty_field_clears_and_an_absent_column_leaves_alone(database: Database, tmp_path: Path) -> None:
    take_in(database, tmp_path, HEADER + "1;A;Küche;Köln;Jana;open;2026-11-01;\n")
    take_in(database, tmp_path, "title;location;reference\n; ;1\n")
    job = jobs(database)["1"]
    assert (job.title, job.location) == (None, None)
    assert (job.department, job.recruiter, job.status) == ("Küche", "Jana", "open")
    assert job.opened_at is not None
    assert counts(take_in(database, tmp_path, "reference\n1\n")) == (1, 0, 0, 0, 1, 0)


def test_a_job_that_the_sync_or_a_link_made_is_filled_and_keeps_its_applications(
    database: Database, tmp_path: Path
) -> None:
    apply(database, "P", "stub", "stub", "other stub")
    execute(
        database,
        "INSERT INTO ats.job (client_id, external_reference_id, title, origin) VALUES ('acme', 'link', 'L', 'link')",
    )
    first_seen = jobs(database)["stub"].first_seen_at
    filled = take_in(database, tmp_path, "reference;title\nstub;A\nlink;L\nnew;N\n")
    assert counts(filled) == (3, 1, 2, 0, 0, 0)
    found = jobs(database)
    assert (found["stub"].title, found["stub"].origin, found["stub"].applications) == ("A", "import", 2)
    assert found["stub"].first_seen_at == first_seen
    assert (found["link"].origin, found["other stub"].origin) == ("import", "stub")
    # Even if the file has nothing but the reference: the ATS knows the job.
    assert counts(take_in(database, tmp_path, "reference\nother stub\n")) == (1, 0, 1, 0, 0, 0)


def test_a_file_with_one_mistake_writes_nothing_and_all_mistakes_are_told(
    database: Database, tmp_path: Path
) -> None:
    lines = [
        "good;A;;;;;;",
        ";no reference;;;;;;",
        " ;blank reference;;;;;;",
        f"{'ä' * 513};too long;;;;;;",
        f"long;{'x' * 1001};;;;;;",
        "good;again;;;;;;",
        "when;A;;;;;31.02.2026;soon\x1b[2J",
        "typo;A;;;;;0202-11-01;",
        "order;A;;;;;2026-11-02;2026-11-01",
        "good;and again;;;;;;",
        "few;A",
    ]
    forms = "write a time like 2026-11-01, 2026-11-01T08:00 or 01.11.2026 08:00"
    assert problems(database, tmp_path, HEADER + "\n".join(lines), complete=True) == (
        "line 3: the reference is empty",
        "line 4: the reference is empty",
        "line 5: the reference is longer than 1024 bytes",
        "line 6: the title is longer than 1000 characters",
        "line 7: duplicate of the reference in line 2",
        f"line 8: closed is 'soon\\x1b[2J'; {forms}",
        f"line 8: opened is '31.02.2026'; {forms}",
        f"line 9: opened is '0202-11-01'; {forms}",
        "line 10: closed is before opened",
        "line 11: duplicate of the reference in line 2",
        "line 12: the header has 8 fields, but this line has 2",
    )
    assert jobs(database) == {}
    assert rows(database, "SELECT * FROM ats.client") == []


def test_references_that_stand_twice_are_counted_beyond_a_thousand(
    database: Database, tmp_path: Path
) -> None:
    found = problems(database, tmp_path, "reference\n" + "same\n" * 1502)
    assert found[0] == "line 3: duplicate of the reference in line 2"
    assert (len(found), found[-1]) == (1001, "and 501 more errors")


def test_a_dry_run_reports_what_the_import_then_does_and_writes_nothing(
    database: Database, tmp_path: Path
) -> None:
    first = "reference;title\n1;A\n2;B\n3;C\n4;D\n"
    assert counts(take_in(database, tmp_path, first, dry_run=True)) == (4, 4, 0, 0, 0, 0)
    assert rows(database, "SELECT * FROM ats.client") == []
    take_in(database, tmp_path, first)
    apply(database, "P", "stub")
    before = jobs(database)
    second = "reference;title;Gehalt\n1;A;1\n2;X;1\nstub;S;1\nnew;N;1\n"
    told = take_in(database, tmp_path, second, dry_run=True, complete=True)
    assert jobs(database) == before
    assert told == take_in(database, tmp_path, second, complete=True)
    assert counts(told) == (4, 1, 1, 1, 1, 2)
    assert told.notes == ("the column 'Gehalt' is unknown and was ignored",)


def test_an_import_whose_connection_is_lost_begins_the_file_anew(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    read_so_far: list[int] = []

    def lose_once(read: int) -> None:
        read_so_far.append(read)
        if read_so_far == [1000]:
            with Database(database_url) as other:
                execute(
                    other,
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'COPY%'",
                )

    content = "reference\n" + "".join(f"{number}\n" for number in range(20_000))
    imported = take_in(database, tmp_path, content, progress=lose_once)
    assert read_so_far.count(1000) == 2
    assert counts(imported) == (20_000, 20_000, 0, 0, 0, 0)
    assert rows(database, "SELECT count(*) FROM ats.job") == [(20_000,)]


def test_imports_and_the_sync_at_the_same_time_leave_every_job_filled_with_all_its_applications(
    database: Database, tmp_path: Path
) -> None:
    references = [f"{number:04}" for number in range(600)]
    for round_no in range(4):
        paths = [tmp_path / f"{round_no}-{number}.csv" for number in range(2)]
        for path in paths:  # the same list in two orders
            references.reverse()
            lines = (f"{round_no}/{reference};{round_no}\n" for reference in references)
            path.write_text("reference;title\n" + "".join(lines))
        with ThreadPoolExecutor() as pool:
            imports = [pool.submit(import_jobs, database, "acme", path, timezone=BERLIN) for path in paths]
            landings = [
                pool.submit(
                    apply,
                    database,
                    f"{round_no}-{start}",
                    *(f"{round_no}/{reference}" for reference in references[start::3]),
                )
                for start in range(3)
            ]
        one, other = (each.result() for each in imports)
        assert all(each.result() is None for each in landings)
        # The one that came second found everything as it should be.
        assert sorted([one.unchanged, other.unchanged]) == [0, 600]
        assert one.new + one.filled + other.new + other.filled == 600
    found = jobs(database).values()
    assert len(found) == 2400
    assert all((job.origin, job.applications) == ("import", 1) for job in found)
    assert all(job.external_reference_id.startswith(f"{job.title}/") for job in found)


def test_jobs_are_listed_with_their_applications_and_the_unmatched_apart(
    database: Database, tmp_path: Path
) -> None:
    take_in(database, tmp_path, "reference\nforeign\n", client="beta")
    take_in(database, tmp_path, "reference\nquiet\nbusy\n")
    apply(database, "P", "busy", "busy", "unknown", day=2)
    apply(database, "Q", "older", "busy", day=1)
    execute(database, "INSERT INTO ats.job (client_id, external_reference_id) VALUES ('acme', 'nobody')")
    found = jobs(database, client_ids=["acme"])
    assert {name: job.applications for name, job in found.items()} == {
        "busy": 3,
        "unknown": 1,
        "older": 1,
        "nobody": 0,
        "quiet": 0,
    }
    assert list(found) == ["busy", "unknown", "older", "nobody", "quiet"]
    assert found["busy"].newest_application_at == datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert found["quiet"].newest_application_at is None
    assert list(jobs(database, unmatched=True)) == ["unknown", "older"]
    assert list(jobs(database)) == [*found, "foreign"]
    assert list(jobs(database, client_ids=["beta"])) == ["foreign"]


def test_a_title_of_ten_kilobytes_is_refused_by_its_line(database: Database, tmp_path: Path) -> None:
    told = problems(database, tmp_path, f"reference;title\n1;Koch\n2;{'x' * 10_000}\n")
    assert told == ("line 3: the title is longer than 1000 characters",)
    assert jobs(database) == {}
