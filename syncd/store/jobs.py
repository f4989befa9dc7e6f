"""Vacancies: merges a list of the ATS into `ats.job`, and reads jobs with the number of their applications (S2.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from syncd.store import tables
from syncd.store.lists import ListTable

KEY = "external_reference_id"
LIST = ListTable(
    "job_list",
    tables.job,
    (KEY,),
    ("title", "department", "location", "recruiter", "status", "opened_at", "closed_at"),
)


@dataclass(frozen=True, slots=True)
class Merged:
    """How many jobs of a list were new, known without data (a stub, or made for a link), and known with different data."""

    new: int
    filled: int
    changed: int


@dataclass(frozen=True, slots=True)
class ClosedJob:
    """A job that a complete list no longer names."""

    reference: str
    title: str | None


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job and its applications. `newest_application_at` is when it was sent, or else first seen. Times are in UTC."""

    client_id: str
    external_reference_id: str
    title: str | None
    department: str | None
    location: str | None
    recruiter: str | None
    status: str | None
    opened_at: datetime | None
    closed_at: datetime | None
    origin: str
    first_seen_at: datetime
    unlisted_at: datetime | None
    applications: int
    newest_application_at: datetime | None


# In this file, {columns} are the columns of `ats.job` that the list has. A statement that leaves the other columns alone
# cannot name them.

# Sorted as the sync sorts its stubs, so that the two cannot wait for each other in a circle.
_INSERT_NEW = """
    INSERT INTO ats.job (client_id, origin, {columns})
    SELECT :client_id, 'import', {columns} FROM pg_temp.job_list AS list
    WHERE NOT EXISTS (
        SELECT FROM ats.job
        WHERE client_id = :client_id AND external_reference_id = list.external_reference_id
    )
    ORDER BY external_reference_id COLLATE "C"
    ON CONFLICT DO NOTHING
    """
# {assignments} set the columns of the list, if it has any besides the key.
_FILL = """
    UPDATE ats.job SET origin = 'import', unlisted_at = NULL{assignments}
    FROM pg_temp.job_list AS list
    WHERE job.client_id = :client_id AND job.external_reference_id = list.external_reference_id
    AND job.origin <> 'import'
    """
_UPDATE_CHANGED = """
    UPDATE ats.job SET origin = 'import', unlisted_at = NULL{assignments}
    FROM pg_temp.job_list AS list
    WHERE job.client_id = :client_id AND job.external_reference_id = list.external_reference_id
    AND job.origin = 'import' AND (job.unlisted_at IS NOT NULL{differences})
    """
# A job that is listed again is open again, unless something else has closed it.
_REOPENED = ", closed_at = CASE WHEN job.closed_at = job.unlisted_at THEN NULL ELSE job.closed_at END"


def merge_list(connection: Connection, client_id: str, columns: Sequence[str]) -> Merged:
    """Writes what differs between the loaded list and `ats.job`. Other rows, and columns not in the list, stay unchanged.

    Three statements, so that each job counts once, whatever others insert meanwhile: after the first one, every job of
    the list has a row.
    """
    data = [name for name in columns if name != KEY]
    # A list with a column for it says itself whether a job is closed.
    assignments = ("" if "closed_at" in data else _REOPENED) + "".join(
        f", {name} = list.{name}" for name in data
    )
    differences = "".join(f" OR job.{name} IS DISTINCT FROM list.{name}" for name in data)
    new, filled, changed = (
        connection.execute(text(statement), {"client_id": client_id}).rowcount
        for statement in (
            _INSERT_NEW.format(columns=", ".join(columns)),
            _FILL.format(assignments=assignments),
            _UPDATE_CHANGED.format(assignments=assignments, differences=differences),
        )
    )
    return Merged(new, filled, changed)


# A job that was to close later closes now.
_CLOSE_UNLISTED = text(
    """
    WITH unlisted AS (
        UPDATE ats.job SET unlisted_at = now(), closed_at = least(closed_at, now())
        WHERE client_id = :client_id AND origin = 'import' AND unlisted_at IS NULL
        AND NOT EXISTS (
            SELECT FROM pg_temp.job_list AS list
            WHERE list.external_reference_id = job.external_reference_id
        )
        RETURNING external_reference_id, title, closed_at = unlisted_at AS closed
    )
    SELECT external_reference_id, title, count(*) OVER () AS total
    FROM unlisted WHERE closed
    ORDER BY external_reference_id COLLATE "C"
    LIMIT :limit
    """
)


def close_unlisted(connection: Connection, client_id: str, limit: int) -> tuple[int, list[ClosedJob]]:
    """Closes the imported jobs that the loaded list does not name any more.

    Their status stays as the ATS has set it. Returns how many were open, and the first `limit` of them by reference.
    """
    found = connection.execute(_CLOSE_UNLISTED, {"client_id": client_id, "limit": limit}).all()
    named = [ClosedJob(row.external_reference_id, row.title) for row in found]
    return found[0].total if found else 0, named


_LISTED = text(
    """
    SELECT job.*, applications, newest_application_at
    FROM ats.job
    CROSS JOIN LATERAL (
        SELECT count(*) AS applications, max(coalesce(applied_at, first_seen_at)) AS newest_application_at
        FROM ats.application
        WHERE client_id = job.client_id AND external_reference_id = job.external_reference_id
    ) AS received
    WHERE (CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids))
    AND (NOT :unmatched OR (origin <> 'import' AND applications > 0))
    ORDER BY client_id, newest_application_at DESC NULLS LAST, external_reference_id
    """
)


def listed(
    connection: Connection, client_ids: Sequence[str] | None = None, *, unmatched: bool = False
) -> list[JobLine]:
    """Selects the jobs of these (or all) clients with the number of their applications, newest application first.

    With `unmatched`, selects only jobs that have applications but are in no imported list: PitchYou named them, and the
    ATS does not know them.
    """
    # In another zone, a time of the year 9999 could fall into the year 10000, which Python cannot represent.
    connection.execute(text("SELECT set_config('TimeZone', 'UTC', true)"))
    ids = None if client_ids is None else list(client_ids)
    rows = connection.execute(_LISTED, {"client_ids": ids, "unmatched": unmatched})
    return [JobLine(**row._mapping) for row in rows]
