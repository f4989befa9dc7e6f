"""The figures of costs and outcomes are those that the files give, and outlive the erasure of the applications."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.model import Stage
from syncd.recruiting.costs import import_costs
from syncd.recruiting.outcomes import import_outcomes
from syncd.store.database import Database
from tests.integration import report_outcomes as invented
from tests.integration.report_figures import Figures, Ledger
from tests.integration.report_ledger import ZONES, entries, refresh, store
from tests.integration.test_reports_answers import reader
from tests.integration.test_reports_kept import erase, execute, rows

FUNNEL = "applications, screened, interviewed, offered, hired, rejected, withdrawn, undecided"
COSTS = "amount, applications, cost_per_application, hires, cost_per_hire"


def figures(connection: psycopg.Connection, view: str, keys: str, columns: str) -> Figures:
    """The rows of a view by their keys."""
    places = len(keys.split(","))
    found = connection.execute(f"SELECT {keys}, {columns} FROM report.{view}".encode()).fetchall()
    by_keys = {
        row[:places]: tuple(round(each, 6) if isinstance(each, float) else each for each in row[places:])
        for row in found
    }
    assert len(by_keys) == len(found), f"two rows of {view} have the same keys"
    return by_keys


def shown(connection: psycopg.Connection) -> list[Figures]:
    """The three views, as a reader in another time zone sees them."""
    connection.execute("SET TimeZone = 'Pacific/Kiritimati'")
    keys = "client_id, month, source"
    return [
        figures(connection, "funnel", keys, FUNNEL),
        figures(connection, "time_to_hire", keys, "hires, hires_timed, days, median_days"),
        figures(connection, "cost_performance", f"{keys}, currency", COSTS),
    ]


def take_in(database: Database, folder: Path, files: dict[str, tuple[str, str]]) -> list[Any]:
    """Imports the files of all clients."""
    path, found = folder / "list.csv", []
    for client_id, contents in files.items():
        for importer, content in zip((import_costs, import_outcomes), contents, strict=True):
            path.write_text(content, encoding="utf-8")
            found.append(importer(database, client_id, path, timezone=invented.zone(client_id)))
    return found


def test_the_figures_are_those_of_the_files_and_outlive_erasure(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    made = [replace(entry, job=None) for entry in entries(300, seed=21)]
    ledger, outcomes = Ledger(made), invented.invented_outcomes(made, seed=22)
    costs = invented.invented_costs(ledger, seed=23)
    files = invented.files(outcomes, costs)
    expected = [
        invented.funnel(ledger, outcomes),
        invented.time_to_hire(ledger, outcomes),
        invented.cost_performance(ledger, outcomes, costs),
    ]
    erased = made[::6]
    with Database(database_url) as database, reader(database_url, shared_postgres) as analyst:
        store(database, made)
        refresh(database)
        first = take_in(database, tmp_path, files)
        assert sum(each.new for each in first) == len(costs) + sum(map(len, outcomes.values())) > 300
        refresh(database)
        assert shown(analyst) == expected
        columns = ", ".join(f"{stage}_date" for stage in Stage)
        dates = figures(analyst, "application", "client_id, profile_id", f"{columns}, days_to_hire")
        assert dates == {
            entry.key: (
                *map(outcomes[entry.key].get, Stage),
                invented.days_to_hire(entry, outcomes),
            )
            for entry in made
        }
        assert sum(each.unchanged for each in take_in(database, tmp_path, files)) == sum(
            each.new for each in first
        )
        assert rows(database, "SELECT count(*) FROM report_data.due") == [(0,)]

        for client_id in ZONES:
            erase(database, client_id, [entry.profile_id for entry in erased if entry.client_id == client_id])
        refresh(database)
        assert shown(analyst) == expected
        # The files still name them, and nothing of it is stored again.
        again = take_in(database, tmp_path, files)
        unknown = sum(len(outcomes[entry.key]) for entry in erased)
        assert sum(getattr(each, "unknown", 0) for each in again) == unknown > 40
        assert sum(each.new + each.changed for each in again) == 0
        refresh(database)
        assert shown(analyst) == expected
        ids = analyst.execute(
            "SELECT count(*) FROM report.application WHERE is_erased AND profile_id IS NOT NULL"
        )
        assert ids.fetchall() == [(0,)]
        for hidden in ("ats.outcome", "ats.cost"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                analyst.execute(f"SELECT 1 FROM {hidden}".encode())


def test_a_source_with_costs_keeps_its_name_when_its_only_applicant_is_erased(database_url: str) -> None:
    made = [replace(entry, source="Agentur", campaign="mine") for entry in entries(2, seed=8)[:1]]
    with Database(database_url) as database:
        store(database, made)
        execute(
            database,
            "INSERT INTO ats.cost (client_id, month, source, currency, amount) VALUES (:client, '2026-01-01', 'agentur', 'EUR', 1)",
            client=made[0].client_id,
        )
        refresh(database)
        erase(database, made[0].client_id, [made[0].profile_id])
        refresh(database)
        found = rows(database, "SELECT utm_source, utm_campaign FROM report.application")
        assert found == [("Agentur", "(erased)")]


def test_the_contract_has_grown_by_a_minor_version(database_url: str) -> None:
    """If the shape differs: a minor version adds views, or columns at the end, and nothing else."""
    with Database(database_url) as database:
        assert rows(database, "SELECT major, minor, version, shape FROM report.contract") == [
            (1, 1, "1.1", "1ebfdafd5e1ca3d15f7114b63b085771")
        ]
        plain = "SELECT DISTINCT data_type FROM report.dictionary"
        assert {kind for (kind,) in rows(database, plain)} <= {
            "text",
            "integer",
            "bigint",
            "double precision",
            "boolean",
            "date",
            "timestamp without time zone",
        }
        silent = "SELECT view_name, column_name FROM report.dictionary WHERE coalesce(meaning, '') = ''"
        assert rows(database, silent) == []
