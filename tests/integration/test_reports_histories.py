"""Whatever has happened to the applications, their rows of the reports are those that a rebuild gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.deadline import Deadline
from syncd.embedded import EmbeddedPostgres
from syncd.store import applications, clients, report_rows
from syncd.store.clients import Registration
from syncd.store.database import Database
from tests.database import MIGRATED, url_of
from tests.integration.report_ledger import ZONES, entries, profile_of
from tests.integration.test_reports_kept import erase, execute, rows

ROW = "to_jsonb(r) - 'application_key' - 'erased_before' - 'erased_previous_date' AS row"
NUMBERS = count()
CHANGE = {
    "confirm": "UPDATE ats.application SET confirmed_revision = revision, "
    "first_confirmed_at = coalesce(first_confirmed_at, now())",
    "store": "UPDATE ats.media SET state = 'stored', size_bytes = 5, sha256 = '\\x01'",
    "retract": "DELETE FROM ats.outcome",
    "fail": "UPDATE ats.media SET state = 'gone', size_bytes = NULL, sha256 = NULL",
}
POOL = entries(400, seed=5)
DECIDE = """
    INSERT INTO ats.outcome (client_id, profile_id, stage, occurred_on) VALUES (:client, :id, :stage, :day)
    ON CONFLICT (client_id, profile_id, stage) DO UPDATE SET occurred_on = excluded.occurred_on
    """
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["land", "revise", *CHANGE, "decide", "erase", "delete", "zone", "refresh"]),
        st.integers(0, 7),
    ),
    max_size=30,
)


@given(changes=CHANGES)
@settings(max_examples=25)
def test_rows_of_the_living_are_those_of_a_rebuild_whatever_has_happened(
    database_of_all: Database, changes: list[tuple[str, int]]
) -> None:
    history = History(database_of_all)
    for kind, which in changes:
        history.act(kind, which)
    kept, rebuilt = history.refreshed(), history.rebuilt()
    assert set(kept) == {f"P{which}" for which in history.landed}
    for row in (*kept.values(), *rebuilt.values()):
        if history.some_are_gone:  # those count as earlier ones, and no rebuild knows them
            row.pop("application_no")
            row.pop("days_since_previous")
    assert kept == rebuilt


class History:
    """What happens to the applications of a client of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._client = f"c{next(NUMBERS)}"
        self._mine = "client_id = :client AND profile_id = :id"
        self.landed: set[int] = set()
        self._erased: set[int] = set()
        self.some_are_gone = False
        self._days = count()
        register(database, self._client, "Europe/Berlin")

    def act(self, kind: str, which: int) -> None:
        """Lets something happen to one of eight applications."""
        if kind == "zone":
            register(self._database, self._client, list(ZONES.values())[which % len(ZONES)])
        elif kind == "refresh":
            self.refreshed()
        elif kind in ("land", "revise") and which not in self._erased:
            self._land(which, revised=kind == "revise")
        elif which in self.landed and kind in CHANGE:
            self._execute(f"{CHANGE[kind]} WHERE {self._mine}", id=f"P{which}")
        elif which in self.landed and kind == "decide":
            day = date(2026, 11, next(self._days) % 28 + 1)
            self._execute(DECIDE, id=f"P{which}", stage=("hired", "rejected")[day.day % 2], day=day)
        elif which in self.landed and kind in ("erase", "delete"):
            self._end(which, erased=kind == "erase")

    def _land(self, which: int, *, revised: bool) -> None:
        """Two applications in turn are of the same person."""
        invented = POOL[which + 100 * revised]
        entry = replace(invented, client_id=self._client, profile_id=f"P{which}", person=which // 2)
        land = partial(applications.land, client_id=self._client, profiles=[profile_of(entry)], region="DE")
        self._database.transact(land, Deadline(60))
        self.landed.add(which)

    def _end(self, which: int, *, erased: bool) -> None:
        if erased:
            erase(self._database, self._client, [f"P{which}"])
            self._erased.add(which)
        else:
            self._execute(f"DELETE FROM ats.application WHERE {self._mine}", id=f"P{which}")
        self.landed.remove(which)
        self.some_are_gone = True

    def refreshed(self) -> dict[str, dict[str, Any]]:
        """The rows of the living, brought up to date."""
        due = partial(report_rows.due, client_id=self._client, after="", limit=3)
        while ids := self._database.transact(due, Deadline(60)).ids:
            some = partial(report_rows.refresh, client_id=self._client, ids=ids, region="DE")
            self._database.transact(some, Deadline(60))
        found = rows(
            self._database,
            f"SELECT profile_id, {ROW} FROM report_data.application r "
            "WHERE client_id = :client AND profile_id IS NOT NULL",
            client=self._client,
        )
        return {profile_id: row for profile_id, row in found}  # noqa: C416  # dict() does not know that rows are pairs

    def rebuilt(self) -> dict[str, dict[str, Any]]:
        """The rows of the living, computed from nothing."""
        self._execute(
            "DELETE FROM report_data.application WHERE client_id = :client AND profile_id IS NOT NULL"
        )
        self._execute(
            "INSERT INTO report_data.due SELECT client_id, profile_id FROM ats.application WHERE client_id = :client"
        )
        return self.refreshed()

    def _execute(self, sql: str, **parameters: Any) -> None:
        execute(self._database, sql, client=self._client, **parameters)


@pytest.fixture(scope="module")
def database_of_all(shared_postgres: EmbeddedPostgres) -> Iterator[Database]:
    name = f"reports_{next(NUMBERS)}"
    with psycopg.connect(shared_postgres.url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED}".encode())
        try:
            with Database(url_of(shared_postgres, name)) as made:
                yield made
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def register(database: Database, client_id: str, timezone: str) -> None:
    registration = Registration(None, timezone, None, None, "http://x")
    database.transact(partial(clients.register, client_id=client_id, registration=registration), Deadline(60))
