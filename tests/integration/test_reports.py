"""The figures of the reports are those that the applications themselves give, whatever happened to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from syncd.store.database import Database
from tests.integration.report_figures import Figures, Ledger, job, shown, steps
from tests.integration.report_ledger import Entry, entries, refresh, store


class Reports:
    """The views, read in a session of another time zone."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql.encode()).fetchall()

    def figures(self, view: str, keys: str, columns: str) -> Figures:
        """The rows of a view by their keys."""
        places = len(keys.split(","))
        found = self.rows(f"SELECT {keys}, {columns} FROM report.{view}")
        figures = {row[:places]: row[places:] for row in found}
        assert len(figures) == len(found), f"two rows of {view} have the same keys"
        return figures


@pytest.fixture
def reports(database_url: str) -> Iterator[Reports]:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        connection.execute("SET TimeZone = 'Pacific/Kiritimati'")
        connection.execute("SET search_path = pg_catalog")
        yield Reports(connection)


def test_every_figure_is_the_one_that_the_ledger_gives(database_url: str, reports: Reports) -> None:
    check(database_url, reports, entries(1_500, seed=1))


def check(database_url: str, reports: Reports, invented: list[Entry]) -> None:
    with Database(database_url) as database:
        store(database, invented)
        refresh(database)
    ledger = Ledger(invented)
    counts = "applications, applications_with_cv, applications_repeat"

    def of(view: str, keys: str, columns: str = counts) -> Figures:
        return reports.figures(view, f"client_id, {keys}", columns)

    def source(entry: Entry) -> str:
        return shown(entry.source).lower()

    assert of("daily", "applied_date, source") == ledger.figures(lambda e: (e.day, source(e)), ledger.counts)
    assert of("job_monthly", "month, job_reference, source") == ledger.figures(
        lambda e: (e.month, job(e), source(e)), ledger.counts
    )
    assert of(
        "source_performance", "month, source, medium", f"{counts}, questions, answers"
    ) == ledger.figures(
        lambda e: (e.month, source(e), shown(e.medium).lower()),
        lambda group: ledger.counts(group) + steps(group),
    )
    assert of("campaign_performance", "month, campaign, content, source") == ledger.figures(
        lambda e: (e.month, shown(e.campaign), shown(e.content), source(e)), ledger.counts
    )
    assert of(
        "template_performance", "month, template_key", f"{counts}, questions, answers"
    ) == ledger.figures(
        lambda e: (e.month, e.template or "(standard)"), lambda group: ledger.counts(group) + steps(group)
    )
    links = "job_reference, utm_source, utm_medium, utm_campaign, utm_content"
    assert of("link_performance", links, "applications, first_application_date") == ledger.figures(
        lambda e: (job(e), shown(e.source), shown(e.medium), shown(e.campaign), shown(e.content)),
        lambda group: (len(group), min(e.day for e in group)),
    )
    columns = "applications, applications_person_known, first_applications, repeat_applications, median_days_since_previous"
    assert of("repeat_applicants", "month", columns) == ledger.figures(lambda e: (e.month,), ledger.repeats)
    weeks = of("weekly", "week", "applications")
    assert {key: figure for key, figure in weeks.items() if figure != (0,)} == ledger.figures(
        lambda e: (e.week,), lambda group: (len(group),)
    )
    jobs = of("job", "job_reference", f"{counts}, first_application_date, last_application_date")
    assert jobs == {
        key: figure
        for key, figure in ledger.figures(
            lambda e: (job(e),),
            lambda group: (*ledger.counts(group), min(e.day for e in group), max(e.day for e in group)),
        ).items()
        if key[1] not in ("(none)", "(personal)")
    }


def test_weeks_without_applications_are_there(database_url: str, reports: Reports) -> None:
    with Database(database_url) as database:
        store(database, entries(40, seed=2))
        refresh(database)
    for client_id, weeks, first, last, current in reports.rows(
        "SELECT client_id, count(*), min(week), max(week), count(*) FILTER (WHERE is_current) "
        "FROM report.weekly GROUP BY 1"
    ):
        assert weeks == (last - first).days / 7 + 1, client_id
        assert first.weekday() == last.weekday() == 0
        assert current == 1
        assert last > date(2026, 1, 1)
