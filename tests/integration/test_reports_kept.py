"""The rows of the reports follow the applications through every change, and keep the figures of erased ones."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.store import confirmations, report_rows
from syncd.store.confirmations import Ready
from syncd.store.database import Database
from tests.integration.report_ledger import ZONES, Entry, entries, refresh, store

VIEWS = (
    "daily",
    "source_performance",
    "campaign_performance",
    "template_performance",
    "repeat_applicants",
    "weekly",
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as made:
        yield made


def rows(database: Database, sql: str, **parameters: Any) -> list[Any]:
    return database.transact(lambda c: list(c.execute(text(sql), parameters)), Deadline(60))


def execute(database: Database, sql: str, **parameters: Any) -> None:
    database.transact(lambda c: c.execute(text(sql), parameters), Deadline(60))


def erase(database: Database, client_id: str, ids: list[str]) -> None:
    """As erasure will do it: the application stays as a mark without content."""
    for table in ("outcome", "answer", "attachment", "media", "application_contact", "application_raw"):
        execute(
            database,
            f"DELETE FROM ats.{table} WHERE client_id = :client AND profile_id = ANY(:ids)",
            client=client_id,
            ids=ids,
        )
    execute(
        database,
        "UPDATE ats.application SET erased_at = now(), person_key = NULL, applied_at = NULL WHERE client_id = :client AND profile_id = ANY(:ids)",
        client=client_id,
        ids=ids,
    )


def test_what_is_erased_leaves_every_figure_and_nothing_of_the_applicant(database: Database) -> None:
    ledger = [replace(entry, job=None) for entry in entries(700, seed=3)]
    store(database, ledger)
    refresh(database)
    before = {
        view: sorted(rows(database, f"SELECT to_jsonb(v)::text FROM report.{view} v")) for view in VIEWS
    }
    chosen = ledger[::7]
    traces = {
        value
        for client_id in ZONES
        for row in rows(
            database,
            "SELECT profile_id, person_key, CAST(cv_sha256 AS text) FROM report_data.application WHERE client_id = :client AND profile_id = ANY(:ids)",
            client=client_id,
            ids=[entry.profile_id for entry in chosen if entry.client_id == client_id],
        )
        for value in row
        if value
    }
    for client_id in ZONES:
        erase(database, client_id, [entry.profile_id for entry in chosen if entry.client_id == client_id])
    refresh(database)
    after = {view: sorted(rows(database, f"SELECT to_jsonb(v)::text FROM report.{view} v")) for view in VIEWS}
    assert after == before
    dump = {
        value
        for table in ("application", "due", "placeholder_cv")
        for (row,) in rows(database, f"SELECT to_jsonb(t) FROM report_data.{table} t")
        for value in row.values()
    }
    others = {entry.profile_id for entry in ledger if entry not in chosen}
    persons = {
        value
        for (value,) in rows(database, "SELECT person_key FROM ats.application WHERE person_key IS NOT NULL")
    }
    forms = {f"\\x{entry.cv.hex()}" for entry in ledger if entry.cv and entry not in chosen}
    alone = traces - others - persons - forms
    assert len([trace for trace in alone if trace.startswith("\\x")]) > 20
    assert len(alone) > 100
    assert alone & dump == set()


def test_a_value_that_only_the_erased_one_had_goes_with_it(database: Database) -> None:
    ledger = [replace(entry, source="indeed", campaign=None, content=None) for entry in entries(30, seed=4)]
    ledger[0] = replace(
        ledger[0], job="typed by hand", source="just for me", campaign="mine", content="alone"
    )
    store(database, ledger)
    refresh(database)
    erase(database, ledger[0].client_id, [ledger[0].profile_id])
    refresh(database)
    found = rows(
        database,
        "SELECT job_reference, utm_source, utm_campaign, utm_content, applied_hour, applied_local, received_local, profile_id "
        "FROM report.application WHERE is_erased",
    )
    assert found == [("(erased)", "(erased)", "(erased)", "(erased)", None, None, None, None)]


@pytest.mark.parametrize("people", [4, 5])
def test_a_file_of_five_people_is_no_cv(people: int, database: Database) -> None:
    form = b"f" * 32
    ledger = [
        replace(
            entry,
            client_id="acme",
            profile_id=f"P{number}",
            person=number,
            cv=form if number <= people else b"x" * 32,
        )
        for number, entry in enumerate(entries(7, seed=6), 1)
    ]
    twice = replace(ledger[0], profile_id="P0")  # once more of the same person
    store(database, [*ledger, twice])
    refresh(database)
    found = dict(rows(database, "SELECT profile_id, has_cv FROM report.application"))
    assert found == {entry.profile_id: people < 5 or entry.cv != form for entry in [*ledger, twice]}


def test_a_change_while_its_row_is_computed_waits_and_makes_it_due_again(
    database: Database, database_url: str
) -> None:
    entry = entries(2, seed=8)[0]
    store(database, [entry])
    change = "UPDATE ats.application SET revision = revision + 1"
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SET statement_timeout = '200ms'")

        def refresh_and_change(connection: Connection) -> None:
            report_rows.refresh(connection, entry.client_id, [entry.profile_id], "DE")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute(change)

        database.transact(refresh_and_change, Deadline(60))
        assert rows(database, "SELECT count(*) FROM report_data.due") == [(0,)]
        other.execute(change)
        assert rows(database, "SELECT count(*) FROM report_data.due") == [(1,)]


def test_what_changes_no_figure_makes_nothing_due(database: Database) -> None:
    store(database, entries(20, seed=9))
    refresh(database)
    for change in (
        "UPDATE ats.application SET confirm_error = 'http_422', confirm_retry_at = now()",
        "UPDATE ats.media SET verified_at = now()",
        "UPDATE ats.client SET label = 'x'",
    ):
        execute(database, change)
    assert rows(database, "SELECT count(*) FROM report_data.due") == [(0,)]


def test_whoever_changes_what_is_due_already_is_waited_for(database: Database, database_url: str) -> None:
    entry = entries(2, seed=8)[0]
    store(database, [entry])
    with (
        psycopg.connect(database_url.replace("+psycopg", "")) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("UPDATE ats.application SET erased_at = now()")
        refreshing = partial(
            report_rows.refresh, client_id=entry.client_id, ids=[entry.profile_id], region="DE"
        )
        refreshed = pool.submit(database.transact, refreshing, Deadline(60))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not rows(database, waiting)[0][0]:
            assert not refreshed.done()
        other.commit()
        refreshed.result(60)
    refresh(database)
    assert rows(database, "SELECT count(*) FROM report_data.application WHERE profile_id IS NOT NULL") == [
        (0,)
    ]


def test_a_persons_later_applications_keep_counting_those_that_were_erased(database: Database) -> None:
    made = entries(2, seed=8)[0]
    days = [datetime(2026, 5, day, 12, tzinfo=UTC) for day in (1, 3, 6, 10, 20)]
    five = [
        replace(
            made, client_id="acme", profile_id=f"P{number}", person=7, applied=day, received=day, revision=1
        )
        for number, day in enumerate(days, 1)
    ]
    numbers = "SELECT profile_id, application_no, days_since_previous FROM report.application WHERE NOT is_erased ORDER BY 1"

    def then(landed: list[Entry], erased: list[str]) -> list[tuple[Any, ...]]:
        store(database, landed)
        refresh(database)
        erase(database, "acme", erased)
        refresh(database)
        return [tuple(row) for row in rows(database, numbers)]

    assert then(five[:3], ["P1"]) == [("P2", 2, 2), ("P3", 3, 3)]
    assert then(five[3:4], []) == [("P2", 2, 2), ("P3", 3, 3), ("P4", 4, 4)]
    assert then([], ["P2", "P3"]) == [("P4", 4, 4)]
    assert then(five[4:], []) == [("P4", 4, 4), ("P5", 5, 10)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Indeed ", "Indeed"),
        (None, "(none)"),
        ("\t\u00a0 ", "(none)"),
        ("max@example.com", "(personal)"),
        ("max%40example.com", "(personal)"),
        ("+4915123456789\n", "(personal)"),
        ("\t+49 151 2345678", "(personal)"),
        ("+49\u00a0151\u00a02345678", "(personal)"),
        ("0151/2345-678", "(personal)"),
        ("20260811123", "20260811123"),
        ("01.10.2026", "01.10.2026"),
        ("2026-10", "2026-10"),
    ],
)
def test_a_link_shows_no_address_and_no_number(value: str | None, shown: str, database: Database) -> None:
    assert rows(database, "SELECT report_data.shown(:value)", value=value) == [(shown,)]


def test_a_job_with_leading_zeros_keeps_its_applications_when_the_list_names_it(database: Database) -> None:
    store(database, [replace(entries(2, seed=8)[0], job="00012345")])
    refresh(database)
    assert rows(database, "SELECT job_reference FROM report.unmatched_job") == [("00012345",)]
    execute(database, "UPDATE ats.job SET origin = 'import'")
    assert rows(database, "SELECT applications FROM report.job") == [(1,)]


def test_first_confirm_of_an_application_from_before_the_reports_stays_unknown(database: Database) -> None:
    store(database, [replace(entries(2, seed=8)[0], confirmed=True, revision=1)])
    execute(database, "UPDATE ats.application SET first_confirmed_at = NULL, revision = 2")
    again = [
        Ready(profile_id, "", 2, False)
        for (profile_id,) in rows(database, "SELECT profile_id FROM ats.application")
    ]
    client_id = rows(database, "SELECT client_id FROM ats.application")[0][0]
    database.transact(partial(confirmations.record, client_id=client_id, confirmed=again), Deadline(60))
    assert rows(database, "SELECT first_confirmed_at FROM ats.application") == [(None,)]
