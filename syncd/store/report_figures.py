"""The figures of one client's month, as the views of schema `report` give them. `syncd/reporting/` makes pages of them.

Names of fields are keys of `syncd report month --json`, which programs read.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

State = Literal["never_synced", "future", "before_first_application", "current", "past"]
"""Where a month lies: no cycle has named the client yet, after today, before the first application, around today, over."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the data is fresh and complete. `last_ok_local` is a time in the client's zone, None before any success."""

    last_ok_local: datetime | None
    minutes_since_ok: int | None
    unconfirmed: int
    quarantined: int
    files_pending: int
    files_rejected: int
    reports_behind: int
    is_fresh: bool
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of a whole month.

    `applications_person_known` is the base of the share of `repeat_applications`, `questions` that of `answers`. `jobs`
    counts the jobs that somebody has applied for.
    """

    applications: int
    applications_with_cv: int
    applications_person_known: int
    repeat_applications: int
    median_days_since_previous: int | None
    jobs: int
    questions: int
    answers: int
    files: int
    files_missing: int
    applications_with_files_missing: int


@dataclass(frozen=True, slots=True)
class Week:
    """The applications of a week, by its Monday, and of the week 52 weeks before; None where no data reaches."""

    week: date
    applications: int
    applications_last_year: int | None
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Applications of the month and of last year's month. The latter are None if the data does not reach that far."""

    applications: int
    applications_with_cv: int
    applications_last_year: int | None
    applications_with_cv_last_year: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Compared):
    """A source of applications, in lower case."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign(Compared):
    """A campaign with one of its contents."""

    campaign: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Compared):
    """A job that somebody has applied for. `is_unknown`: your list of jobs does not contain the reference."""

    job_reference: str
    title: str | None
    is_unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Compared):
    """An interview. `questions` are the steps of its interviews this month, `answers` those with an answer."""

    template_key: str
    template: str | None
    questions: int
    answers: int


@dataclass(frozen=True, slots=True)
class AnswerShare:
    """An answer to a closed question. `answered` is the base of its share. Cells that could tell a person are in (other)."""

    question: str
    answer: str
    applications: int
    answered: int
    applications_last_year: int | None
    answered_last_year: int | None


@dataclass(frozen=True, slots=True)
class IdleLink:
    """Apply links that have brought no application up to now, by job and utm values."""

    job_reference: str
    title: str | None
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_content: str
    links_issued: int
    first_issued_date: date


@dataclass(frozen=True, slots=True)
class IdleJob:
    """A job that is open now, and for which nobody has applied up to now."""

    job_reference: str
    title: str | None
    opened_date: date | None
    days_open: int | None
    has_link: bool


@dataclass(frozen=True, slots=True)
class MonthReport:
    """One client's month and last year's month beside it. Dates are days in the client's own time zone.

    `month` is its first day; `until` is the last day that the figures cover. `totals_last_year` is None if the data does
    not reach that far. The lists are complete, with the largest figures first.
    """

    client_id: str
    client: str
    month: date
    state: State
    today: date
    until: date
    first_application: date | None
    health: Health | None
    totals: Totals | None = None
    totals_last_year: Totals | None = None
    weeks: tuple[Week, ...] = ()
    sources: tuple[Source, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    jobs: tuple[Job, ...] = ()
    templates: tuple[Template, ...] = ()
    answers: tuple[AnswerShare, ...] = ()
    links_without_application: tuple[IdleLink, ...] = ()
    jobs_without_application: tuple[IdleJob, ...] = ()

    @property
    def last_year(self) -> date:
        """The first day of last year's month."""
        return self.month.replace(year=self.month.year - 1)
