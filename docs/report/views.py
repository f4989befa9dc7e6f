"""What the database cannot say about the views of `report`: their keys, what may be missing, what joins what.

Tests compare all of it with a store in which everything occurs.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.model import Outcome

# The columns that identify a row of each view.
KEYS: dict[str, tuple[str, ...]] = {
    "application": ("application_key",),
    "job": ("job_key",),
    "calendar": ("day",),
    "daily": ("client_id", "applied_date", "source"),
    "weekly": ("client_id", "week"),
    "source_performance": ("client_id", "month", "source", "medium"),
    "campaign_performance": ("client_id", "month", "campaign", "content", "source"),
    "template_performance": ("client_id", "month", "template_key"),
    "job_monthly": ("client_id", "month", "job_reference", "source"),
    "funnel": ("client_id", "month", "source"),
    "time_to_hire": ("client_id", "month", "source"),
    "cost_performance": ("client_id", "month", "source", "currency"),
    "repeat_applicants": ("client_id", "month"),
    "answer_distribution": ("client_id", "month", "question", "answer"),
    "media_health": ("client_id", "month"),
    "link_performance": (
        "client_id",
        "job_reference",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
    ),
    "job_without_application": ("client_id", "job_reference"),
    "unmatched_job": ("client_id", "job_reference"),
    "sync_health": ("client_id",),
    "dictionary": ("view_name", "column_name"),
    "contract": ("version",),
}

# The columns that may be null.
NULLABLE: dict[str, tuple[str, ...]] = {
    "application": (
        "applied_hour",
        "applied_local",
        "job_title",
        "job_department",
        "job_location",
        "job_recruiter",
        "job_status",
        "template",
        "application_no",
        "is_repeat",
        "days_since_previous",
        "received_local",
        "hours_to_received",
        "seconds_to_confirm",
        "profile_id",
        "screened_date",
        "interviewed_date",
        "offered_date",
        "hired_date",
        "rejected_date",
        "withdrawn_date",
        "days_to_hire",
    ),
    "job": (
        "title",
        "department",
        "location",
        "recruiter",
        "status",
        "opened_date",
        "closed_date",
        "first_application_date",
        "last_application_date",
        "days_to_first_application",
    ),
    "template_performance": ("template",),
    "time_to_hire": ("days", "median_days"),
    "cost_performance": ("currency", "amount", "cost_per_application", "cost_per_hire"),
    "repeat_applicants": ("median_days_since_previous",),
    "link_performance": ("first_issued_date", "first_application_date", "last_application_date"),
    "job_without_application": ("title", "department", "recruiter", "opened_date", "days_open"),
    "sync_health": (
        "last_ok_local",
        "minutes_since_ok",
        "last_outcome",
        "last_error",
        "oldest_unconfirmed_hours",
    ),
}

# The values that a column can have.
ONE_OF: dict[tuple[str, str], tuple[object, ...]] = {
    ("application", "applied_hour"): tuple(range(24)),
    ("calendar", "iso_weekday"): tuple(range(1, 8)),
    ("sync_health", "last_outcome"): tuple(Outcome),
}


@dataclass(frozen=True)
class Join:
    """Each row of `view` has one row of `other`, by one column of each.

    `except_for` are the values without one, by another column of `view`.
    """

    view: str
    column: str
    other: str
    other_column: str
    except_for: tuple[str, tuple[str, ...]] | None = None


_NO_JOB = ("job_reference", ("(none)", "(personal)", "(erased)"))
JOINS = (
    Join("application", "job_key", "job", "job_key", _NO_JOB),
    Join("job_monthly", "job_key", "job", "job_key", _NO_JOB),
    *(
        Join(view, "client_id", "sync_health", "client_id")
        for view, key in KEYS.items()
        if view in ("application", "job") or ("client_id" in key and view != "sync_health")
    ),
)


def missing(join: Join) -> str:
    """Return the condition in SQL for rows of `join.view` that have no row of `join.other`, and should have one."""
    there = f"{join.column} NOT IN (SELECT {join.other_column} FROM report.{join.other})"
    if join.except_for is None:
        return there
    column, values = join.except_for
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{there} AND {column} NOT IN ({listed})"


@dataclass(frozen=True)
class Column:
    """A column: its type as Postgres names it, and its meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class View:
    """A view of `report`."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return KEYS[self.name]

    def may_be_null(self, column: str) -> bool:
        """Whether the column may be null."""
        return column in NULLABLE.get(self.name, ())


@dataclass(frozen=True)
class Contract:
    """All views, the version of the contract, and the digest of their columns."""

    version: str
    shape: str
    views: tuple[View, ...]


_COLUMNS = text(
    """
    SELECT view_name, obj_description(to_regclass('report.' || view_name)) AS view_meaning, column_name, data_type, meaning
    FROM report.dictionary ORDER BY view_name, position
    """
)
_CONTRACT = text("SELECT version, shape FROM report.contract")


def read(connection: Connection) -> Contract:
    """Read what a migrated database says about the views, in the order of `KEYS`."""
    columns: dict[str, list[Column]] = {}
    meanings: dict[str, str] = {}
    for row in connection.execute(_COLUMNS):
        meanings[row.view_name] = row.view_meaning
        columns.setdefault(row.view_name, []).append(Column(row.column_name, row.data_type, row.meaning))
    if columns.keys() != KEYS.keys():
        unknown = ", ".join(sorted(columns.keys() ^ KEYS.keys()))
        raise SystemExit(f"KEYS in docs/report/views.py and the database have different views: {unknown}")
    version, shape = connection.execute(_CONTRACT).one()
    return Contract(version, shape, tuple(View(name, meanings[name], tuple(columns[name])) for name in KEYS))
