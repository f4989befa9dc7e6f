"""Reads one client's month from the views of schema `report`, and from nothing else.

Only views with totals: `report.application`, which has a row for each application, is not needed.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, TextClause, text

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

_CLIENTS = text("SELECT client_id FROM report.sync_health ORDER BY client_id")
_HEALTH = text(
    """
    SELECT client, last_ok_local, minutes_since_ok, unconfirmed, quarantined, files_pending, files_rejected,
           reports_behind, is_fresh, is_whole
    FROM report.sync_health WHERE client_id = :client
    """
)
_DAYS = text(
    """
    SELECT now() AT TIME ZONE 'UTC' AS now,
           (SELECT min(applied_date) FROM report.daily WHERE client_id = :client) AS first
    """
)
_TOTALS = text(
    """
    SELECT s.applications, s.applications_with_cv,
           coalesce(r.applications_person_known, 0) AS applications_person_known,
           coalesce(r.repeat_applications, 0) AS repeat_applications, r.median_days_since_previous,
           j.jobs, s.questions, s.answers,
           CAST(coalesce(m.files, 0) AS bigint) AS files,
           CAST(coalesce(m.files_missing, 0) AS bigint) AS files_missing,
           coalesce(m.applications_with_files_missing, 0) AS applications_with_files_missing
    FROM (
        SELECT CAST(coalesce(sum(applications), 0) AS bigint) AS applications,
               CAST(coalesce(sum(applications_with_cv), 0) AS bigint) AS applications_with_cv,
               CAST(coalesce(sum(questions), 0) AS bigint) AS questions,
               CAST(coalesce(sum(answers), 0) AS bigint) AS answers
        FROM report.source_performance WHERE client_id = :client AND month = :month
    ) s
    CROSS JOIN (
        SELECT count(DISTINCT job_reference) AS jobs
        FROM report.job_monthly
        WHERE client_id = :client AND month = :month AND job_reference NOT IN ('(none)', '(personal)', '(erased)')
    ) j
    LEFT JOIN report.repeat_applicants r ON r.client_id = :client AND r.month = :month
    LEFT JOIN report.media_health m ON m.client_id = :client AND m.month = :month
    """
)
_WEEKS = text(
    """
    SELECT w.week, w.applications, before.applications AS applications_last_year, w.is_current
    FROM report.weekly w
    LEFT JOIN report.weekly before ON before.client_id = w.client_id AND before.week = w.week - 364
    WHERE w.client_id = :client AND w.week BETWEEN :first_week AND :last_week
    ORDER BY w.week
    """
)
# Counts of both months, in the order of `Compared`. A year that the data does not reach is null.
_COUNTS = """
    CAST(coalesce(sum(v.applications) FILTER (WHERE v.month = :month), 0) AS bigint) AS applications,
    CAST(coalesce(sum(v.applications_with_cv) FILTER (WHERE v.month = :month), 0) AS bigint) AS applications_with_cv,
    CASE WHEN CAST(:has_last_year AS boolean) THEN
        CAST(coalesce(sum(v.applications) FILTER (WHERE v.month = :last_year), 0) AS bigint)
    END AS applications_last_year,
    CASE WHEN CAST(:has_last_year AS boolean) THEN
        CAST(coalesce(sum(v.applications_with_cv) FILTER (WHERE v.month = :last_year), 0) AS bigint)
    END AS applications_with_cv_last_year
    """
_OF_BOTH = "WHERE v.client_id = :client AND v.month IN (:month, :last_year)"
_LARGEST_FIRST = "ORDER BY applications DESC, applications_last_year DESC NULLS LAST"
_SOURCES = text(
    f"""
    SELECT v.source, {_COUNTS}
    FROM report.source_performance v {_OF_BOTH}
    GROUP BY v.source
    {_LARGEST_FIRST}, v.source
    """
)
_CAMPAIGNS = text(
    f"""
    SELECT v.campaign, v.content, {_COUNTS}
    FROM report.campaign_performance v {_OF_BOTH}
    GROUP BY v.campaign, v.content
    {_LARGEST_FIRST}, v.campaign, v.content
    """
)
_JOBS = text(
    f"""
    SELECT v.job_reference, j.title, u.job_reference IS NOT NULL AS is_unknown, {_COUNTS}
    FROM report.job_monthly v
    LEFT JOIN report.job j ON j.client_id = v.client_id AND j.job_reference = v.job_reference
    LEFT JOIN report.unmatched_job u ON u.client_id = v.client_id AND u.job_reference = v.job_reference
    {_OF_BOTH}
    GROUP BY v.job_reference, j.title, u.job_reference
    {_LARGEST_FIRST}, v.job_reference
    """
)
_TEMPLATES = text(
    f"""
    SELECT v.template_key, max(v.template) AS template, {_COUNTS},
           CAST(coalesce(sum(v.questions) FILTER (WHERE v.month = :month), 0) AS bigint) AS questions,
           CAST(coalesce(sum(v.answers) FILTER (WHERE v.month = :month), 0) AS bigint) AS answers
    FROM report.template_performance v {_OF_BOTH}
    GROUP BY v.template_key
    {_LARGEST_FIRST}, v.template_key
    """
)
_ANSWERS = text(
    """
    SELECT a.question, a.answer, CAST(a.applications AS bigint) AS applications, a.answered,
           CAST(b.applications AS bigint) AS applications_last_year, b.answered AS answered_last_year
    FROM report.answer_distribution a
    LEFT JOIN report.answer_distribution b
        ON b.client_id = a.client_id AND b.month = :last_year AND b.question = a.question AND b.answer = a.answer
    WHERE a.client_id = :client AND a.month = :month
    ORDER BY a.answered DESC, a.question, a.answer = '(other)', a.applications DESC, a.answer
    """
)
_IDLE_LINKS = text(
    """
    SELECT l.job_reference, j.title, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_content,
           l.links_issued, l.first_issued_date
    FROM report.link_performance l
    LEFT JOIN report.job j ON j.client_id = l.client_id AND j.job_reference = l.job_reference
    WHERE l.client_id = :client AND l.links_issued > 0 AND l.applications = 0 AND l.first_issued_date < :end
    ORDER BY l.first_issued_date, l.job_reference, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_content
    """
)
_IDLE_JOBS = text(
    """
    SELECT job_reference, title, opened_date, days_open, has_link
    FROM report.job_without_application
    WHERE client_id = :client AND (opened_date IS NULL OR opened_date < :end)
    ORDER BY days_open DESC NULLS LAST, job_reference
    """
)


def known_clients(connection: Connection) -> list[str]:
    """Return the ids of all clients that the database knows."""
    return list(connection.execute(_CLIENTS).scalars())


def month_report(connection: Connection, client_id: str, month: date) -> MonthReport:
    """Read the report of one client for the month that begins at `month`.

    Use a transaction in which all statements see the same state, so that the figures agree.
    """
    days = connection.execute(_DAYS, {"client": client_id}).one()
    row = connection.execute(_HEALTH, {"client": client_id}).one_or_none()
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
            "first_week": last_week - timedelta(weeks=WEEKS - 1),
            "last_week": last_week,
        }
        (totals,) = self._rows(Totals, _TOTALS, values)
        (last_year,) = self._rows(Totals, _TOTALS, values | {"month": report.last_year})
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
            self._rows(Week, _WEEKS, values),
            self._rows(Source, _SOURCES, values),
            self._rows(Campaign, _CAMPAIGNS, values),
            self._rows(Job, _JOBS, values),
            self._rows(Template, _TEMPLATES, values),
            self._rows(AnswerShare, _ANSWERS, values),
            self._rows(IdleLink, _IDLE_LINKS, values),
            self._rows(IdleJob, _IDLE_JOBS, values),
        )

    def _rows(self, kind: type[T], query: TextClause, values: dict[str, Any]) -> tuple[T, ...]:
        used = {name: value for name, value in values.items() if name in query._bindparams}
        return tuple(kind(**row._mapping) for row in self.connection.execute(query, used))


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
