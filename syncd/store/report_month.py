"""Reads one client's month from the views of schema `report`, and from nothing else.

Only views with totals: `report.application`, which has a row for each application, is not needed.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, TextClause

from syncd.store import report_month_sql as sql
from syncd.store.report_figures import (
    AnswerShare,
    Campaign,
    Health,
    IdleJob,
    IdleLink,
    Job,
    MonthReport,
    Source,
    State,
    Template,
    Totals,
    Week,
)

T = TypeVar("T")

VIEWS = (
    "answer_distribution",
    "campaign_performance",
    "daily",
    "job",
    "job_monthly",
    "job_without_application",
    "link_performance",
    "media_health",
    "repeat_applicants",
    "source_performance",
    "sync_health",
    "template_performance",
    "unmatched_job",
    "weekly",
)
"""What `month_report` reads."""

WEEKS = 13
"""The weeks of a report; the last one is the month's last."""

# A whole number of weeks, so that Mondays meet Mondays.
_YEAR = timedelta(weeks=52)


def known_clients(connection: Connection) -> list[str]:
    """Return the ids of all clients that the database knows."""
    return list(connection.execute(sql.CLIENTS).scalars())


def month_report(connection: Connection, client_id: str, month: date) -> MonthReport:
    """Read the report of one client for the month that begins at `month`.

    Use a transaction in which all statements see the same state, so that the figures agree.
    """
    days = connection.execute(sql.DAYS, {"client": client_id}).one()
    row = connection.execute(sql.HEALTH, {"client": client_id}).one_or_none()
    if row is None:
        today = days.now.date()
        return MonthReport(client_id, client_id, month, "never_synced", today, today, None, None)
    fields = dict(row._mapping)
    name, health = fields.pop("client"), Health(**fields)
    today = _local_day(days.now, health)
    end = _next(month)
    state = _state_of(month, today, days.first)
    until = min(today, end - timedelta(days=1))
    report = MonthReport(client_id, name, month, state, today, until, days.first, health)
    if state not in ("current", "past"):
        return report
    return _Reading(connection, client_id, report, end).filled()


@dataclass(frozen=True, slots=True)
class _Reading:
    """The queries of one report and their parameters."""

    connection: Connection
    client_id: str
    report: MonthReport
    end: date

    def filled(self) -> MonthReport:
        """Return the report with all figures."""
        report, first = self.report, self.report.first_application
        has_last_year = first is not None and first < _next(report.last_year)
        # The week that the month's last day, or today, lies in.
        last_week = report.until - timedelta(days=report.until.weekday())
        values = {
            "client": self.client_id,
            "month": report.month,
            "last_year": report.last_year,
            "has_last_year": has_last_year,
            "end": self.end,
            "first_week": last_week - timedelta(weeks=WEEKS - 1) - _YEAR,
            "last_week": last_week,
        }
        (totals,) = self._rows(Totals, sql.TOTALS, values)
        (last_year,) = self._rows(Totals, sql.TOTALS, values | {"month": report.last_year})
        return MonthReport(
            report.client_id,
            report.client,
            report.month,
            report.state,
            report.today,
            report.until,
            first,
            report.health,
            totals,
            last_year if has_last_year else None,
            self._weeks(values),
            self._rows(Source, sql.SOURCES, values),
            self._rows(Campaign, sql.CAMPAIGNS, values),
            self._rows(Job, sql.JOBS, values),
            self._rows(Template, sql.TEMPLATES, values),
            self._rows(AnswerShare, sql.ANSWERS, values),
            self._rows(IdleLink, sql.IDLE_LINKS, values),
            self._rows(IdleJob, sql.IDLE_JOBS, values),
        )

    def _weeks(self, values: dict[str, Any]) -> tuple[Week, ...]:
        """Read the weeks of the report, and put beside each the one a year before."""
        rows = {row.week: row for row in self.connection.execute(sql.WEEKS, values)}
        before = {week + _YEAR: row.applications for week, row in rows.items()}
        return tuple(
            Week(week, row.applications, before.get(week), row.is_current)
            for week, row in sorted(rows.items())
            if week >= values["first_week"] + _YEAR
        )

    def _rows(self, kind: type[T], query: TextClause, values: dict[str, Any]) -> tuple[T, ...]:
        return tuple(kind(**row._mapping) for row in self.connection.execute(query, values))


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _state_of(month: date, today: date, first: date | None) -> State:
    if month > today:
        return "future"
    if first is None or _next(month) <= first:
        return "before_first_application"
    return "past" if _next(month) <= today else "current"


def _local_day(now: datetime, health: Health) -> date:
    """Return today in the client's time zone.

    No view has the zone itself. The difference between the local time of the last success and the same moment in UTC
    tells it, to the quarter of an hour that zones are multiples of. Without a success, the day in UTC has to do.
    """
    if health.last_ok_local is None or health.minutes_since_ok is None:
        return now.date()
    local = health.last_ok_local + timedelta(minutes=health.minutes_since_ok)
    quarters = round((local - now) / timedelta(minutes=15))
    return (now + quarters * timedelta(minutes=15)).date()
