"""Collects the results of the demo from the database and from the sandbox's audit."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, TextClause, text

from syncd.deadline import Deadline
from syncd.demo.journey import Journey
from syncd.sandbox import AuditReport
from syncd.store.database import Database

# Readers can paste these into psql.
QUERIES = (
    (
        "Who are the newest applicants with a CV, and where is the file?",
        """\
SELECT c.first_name, c.last_name, a.external_reference_id AS job, m.storage_path AS cv
FROM ats.application a
JOIN ats.application_contact c USING (client_id, profile_id)
JOIN ats.attachment t USING (client_id, profile_id)
JOIN ats.media m USING (client_id, profile_id, media_id)
WHERE t.role = 'cv' AND m.state = 'stored' ORDER BY a.applied_at DESC, a.profile_id LIMIT 3;""",
    ),
    (
        "Which sources bring applications, and how many have a CV?",
        """\
SELECT source, sum(applications)::int AS applications, sum(applications_with_cv)::int AS with_cv
FROM report.source_performance GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4;""",
    ),
    (
        "How many applications came in the last weeks?",
        """\
SELECT week, applications FROM report.weekly WHERE applications > 0 ORDER BY 1 DESC LIMIT 4;""",
    ),
    (
        "In which shifts can applicants work?",
        """\
SELECT answer, sum(applications)::int AS applications, sum(answered)::int AS answered FROM report.answer_distribution
WHERE question = 'In welchen Schichten kannst du arbeiten?' GROUP BY 1 ORDER BY 2 DESC, 1;""",
    ),
)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One row of `ops.cycle`. `seconds` is the cycle's duration, `media_bytes` the total size of its files."""

    number: int
    outcome: str
    seconds: float
    seen: int
    new: int
    unchanged: int
    media_stored: int
    media_bytes: int
    confirmed: int
    http_calls: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """The number of applications with one job reference or utm_source. `name` is None for those without one."""

    name: str | None
    applications: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What is stored at the end. `late` counts stored files that were missing at PitchYou at the first attempt."""

    applications: int
    confirmed: int
    answers: int
    stored: int
    bytes: int
    late: int
    gone: int


@dataclass(frozen=True, slots=True)
class NotConfirmed:
    """A profile that was not confirmed to PitchYou, and why."""

    profile_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A query to try, and its result here."""

    title: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What the sandbox found wrong in the database and on disk. It shares no code with the rest of syncd."""

    profiles: int
    files: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What `--keep` kept. `stop` is the command that stops Postgres; `folder` can be deleted afterwards."""

    database_url: str
    psql: str
    stop: str
    folder: str
    media_root: str
    log: str


@dataclass(frozen=True, slots=True)
class Report:
    """The results of the demo. `seconds` is its total duration."""

    seconds: float
    cycles: tuple[Cycle, ...]
    jobs: tuple[Count, ...]
    sources: tuple[Count, ...]
    totals: Totals
    gone: tuple[str, ...]
    not_confirmed: tuple[NotConfirmed, ...]
    journey: Journey
    audit: Audit
    queries: tuple[Tried, ...]
    kept: Kept | None

    @property
    def well(self) -> bool:
        """Whether the demo succeeded: no cycle failed, the journey was completed, and the audit found nothing."""
        return (
            self.journey.well
            and not self.audit.findings
            and all(cycle.outcome in ("ok", "partial") for cycle in self.cycles)
        )


def report_on(
    database: Database, audit: AuditReport, journey: Journey, *, seconds: float, kept: Kept | None
) -> Report:
    """Query the database in one transaction.

    Raises:
        DatabaseUnavailable: Postgres did not answer.
    """

    def ask(connection: Connection) -> Report:
        return Report(
            seconds=round(seconds, 1),
            cycles=tuple(finished_cycles(connection)),
            jobs=_counts(connection, _JOBS),
            sources=_counts(connection, _SOURCES),
            totals=_totals(connection),
            gone=_gone(connection),
            not_confirmed=_not_confirmed(connection),
            journey=journey,
            audit=Audit(audit.profiles, audit.media, tuple(dict.fromkeys(audit.findings))),
            queries=tuple(_tried(connection, title, sql) for title, sql in QUERIES),
            kept=kept,
        )

    return database.transact(ask, Deadline(30))


_FINISHED_CYCLES = text(
    """
    SELECT row_number() OVER (ORDER BY cycle_id) AS number, outcome,
           CAST(extract(epoch FROM finished_at - started_at) AS double precision) AS seconds,
           seen, new, unchanged, media_stored, media_bytes, confirmed, http_calls, error_message AS error
    FROM ops.cycle WHERE finished_at IS NOT NULL ORDER BY cycle_id
    """
)


def finished_cycles(connection: Connection) -> list[Cycle]:
    """Return the finished cycles in order, without those that did nothing."""
    rows = connection.execute(_FINISHED_CYCLES)
    return [Cycle(**row._mapping) for row in rows]


def cycle_runs(connection: Connection) -> bool:
    """Return whether a cycle has begun and not finished."""
    found = connection.execute(text("SELECT FROM ops.client_state WHERE is_running LIMIT 1"))
    return found.first() is not None


_BEGUN_CYCLES = text("SELECT coalesce(sum(n), 0) FROM ops.client_state, unnest(cycles_by_hour) AS n")


def begun_cycles(connection: Connection) -> int:
    """Return the number of cycles that have begun in the last 24 hours."""
    count: int = connection.execute(_BEGUN_CYCLES).scalar_one()
    return count


def pending_files(connection: Connection) -> int:
    """Return the number of files that are not fetched yet."""
    count: int = connection.execute(
        text("SELECT count(*) FROM ats.media WHERE state = 'pending'")
    ).scalar_one()
    return count


_JOBS = text(
    """
    SELECT external_reference_id AS name, count(*) AS applications
    FROM ats.application GROUP BY 1 ORDER BY 2 DESC, 1
    """
)
_SOURCES = text(
    """
    SELECT utm_source AS name, count(*) AS applications
    FROM ats.application GROUP BY 1 ORDER BY 2 DESC, 1
    """
)


def _counts(connection: Connection, query: TextClause) -> tuple[Count, ...]:
    rows = connection.execute(query)
    return tuple(Count(**row._mapping) for row in rows)


_TOTALS = text(
    """
    SELECT (SELECT count(*) FROM ats.application) AS applications,
           (SELECT count(*) FROM ats.application WHERE revision = confirmed_revision) AS confirmed,
           (SELECT count(*) FROM ats.answer) AS answers,
           count(*) FILTER (WHERE state = 'stored') AS stored,
           CAST(coalesce(sum(size_bytes) FILTER (WHERE state = 'stored'), 0) AS bigint) AS bytes,
           count(*) FILTER (WHERE state = 'stored' AND attempts > 1) AS late,
           count(*) FILTER (WHERE state = 'gone') AS gone
    FROM ats.media
    """
)


def _totals(connection: Connection) -> Totals:
    row = connection.execute(_TOTALS).one()
    return Totals(**row._mapping)


def _gone(connection: Connection) -> tuple[str, ...]:
    rows = connection.execute(
        text("SELECT profile_id FROM ats.media WHERE state = 'gone' ORDER BY profile_id, media_id")
    )
    return tuple(rows.scalars())


_NOT_CONFIRMED = text(
    """
    SELECT profile_id, 'in quarantine: ' || error AS reason
    FROM ops.quarantine WHERE resolved_at IS NULL
    UNION ALL
    SELECT profile_id, coalesce('refused: ' || confirm_error, 'a file is not fetched yet')
    FROM ats.application WHERE revision > confirmed_revision
    ORDER BY 1, 2
    """
)


def _not_confirmed(connection: Connection) -> tuple[NotConfirmed, ...]:
    rows = connection.execute(_NOT_CONFIRMED)
    return tuple(NotConfirmed(**row._mapping) for row in rows)


def _tried(connection: Connection, title: str, sql: str) -> Tried:
    result = connection.execute(text(sql))
    return Tried(title, sql, tuple(result.keys()), tuple(tuple(row) for row in result))
