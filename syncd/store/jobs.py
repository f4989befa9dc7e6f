"""Vacancies: a list of the ATS merged into `ats.job`, and the jobs with their applications (S2.4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, text

from syncd.store import tables
from syncd.store.copying import copy_rows

KEY = "external_reference_id"
# Of this transaction only; a list of any length is compared on the server and not in memory.
_LIST = Table(
    "job_list",
    MetaData(),
    Column("line_no", BigInteger),
    *(
        Column(name, tables.job.c[name].type)
        for name in (
            KEY,
            "title",
            "department",
            "location",
            "recruiter",
            "status",
            "opened_at",
            "closed_at",
        )
    ),
    schema="pg_temp",
)
_STATEMENT_TIMEOUT = "15min"  # a million jobs take half a minute on two cores


@dataclass(frozen=True, slots=True)
class Merged:
    """How many jobs of a list were new, known without data (a stub, or made for a link), and known with other data."""

    new: int
    filled: int
    changed: int


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job and what was applied for it. `newest_application_at` is when applied, else when first seen. Times are UTC."""

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


def load_list(connection: Connection, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Copy a list into a temporary table, in one pass and constant memory; it ends with the transaction.

    Args:
        columns: of `ats.job`, KEY among them.
        rows: the line number, then the values in the order of `columns`.
    """
    connection.execute(
        text("SELECT set_config('statement_timeout', :timeout, true)"), {"timeout": _STATEMENT_TIMEOUT}
    )
    connection.execute(
        text(
            f"CREATE TEMPORARY TABLE {_LIST.name} ON COMMIT DROP AS "
            f"SELECT 0::bigint AS line_no, {', '.join(columns)} FROM ats.job WITH NO DATA"
        )
    )
    copy_rows(connection, _LIST, ("line_no", *columns), rows)
    connection.execute(text(f"ANALYZE pg_temp.{_LIST.name}"))


def repeated(connection: Connection, limit: int) -> tuple[list[tuple[int, int]], int]:
    """The lines that name a job again, each with the line that named it first: `limit` at most, and how many there are."""
    found = connection.execute(
        text(
            "SELECT line_no, first, count(*) OVER () AS total FROM ("
            f'SELECT line_no, min(line_no) OVER (PARTITION BY {KEY} COLLATE "C") AS first '
            f"FROM pg_temp.{_LIST.name} WHERE {KEY} IS NOT NULL"
            ") AS lines WHERE line_no > first ORDER BY line_no LIMIT :limit"
        ),
        {"limit": limit},
    ).all()
    return [(row.line_no, row.first) for row in found], found[0].total if found else 0


def merge_list(connection: Connection, client_id: str, columns: Sequence[str]) -> Merged:
    """Write what the loaded list says and `ats.job` does not; the rest, and columns not in the list, stay untouched.

    In three statements, so that each job is counted once whatever others insert meanwhile: after the first one there
    is a row for every job of the list.
    """
    # Sorted as the sync sorts its stubs, so that the two never wait for each other in a circle.
    new = connection.execute(
        text(
            f"INSERT INTO ats.job (client_id, origin, {', '.join(columns)}) "
            f"SELECT :client_id, 'import', {', '.join(columns)} FROM pg_temp.{_LIST.name} AS list "
            f"WHERE NOT EXISTS (SELECT FROM ats.job WHERE client_id = :client_id AND {KEY} = list.{KEY}) "
            f'ORDER BY {KEY} COLLATE "C" ON CONFLICT DO NOTHING'
        ),
        {"client_id": client_id},
    ).rowcount
    data = [name for name in columns if name != KEY]
    differs = " OR ".join(
        ("job.unlisted_at IS NOT NULL", *(f"job.{name} IS DISTINCT FROM list.{name}" for name in data))
    )
    # What is named again is open again, unless it had been closed otherwise or the list itself says so.
    reopened = (
        ""
        if "closed_at" in data
        else ", closed_at = CASE WHEN job.closed_at = job.unlisted_at THEN NULL ELSE job.closed_at END"
    )
    filled, changed = (
        connection.execute(
            text(
                f"UPDATE ats.job SET origin = 'import', unlisted_at = NULL{reopened}{''.join(f', {name} = list.{name}' for name in data)} "
                f"FROM pg_temp.{_LIST.name} AS list "
                f"WHERE job.client_id = :client_id AND job.{KEY} = list.{KEY} AND {condition}"
            ),
            {"client_id": client_id},
        ).rowcount
        for condition in ("job.origin <> 'import'", f"job.origin = 'import' AND ({differs})")
    )
    return Merged(new, filled, changed)


def close_unlisted(connection: Connection, client_id: str) -> int:
    """Close the imported jobs that the loaded list does not name any more; returns how many were open.

    Their status is the ATS's own word and stays.
    """
    closed: int = connection.execute(
        text(
            "WITH unlisted AS (UPDATE ats.job SET unlisted_at = now(), closed_at = coalesce(closed_at, now()) "
            "WHERE client_id = :client_id AND origin = 'import' AND unlisted_at IS NULL "
            f"AND NOT EXISTS (SELECT FROM pg_temp.{_LIST.name} AS list WHERE list.{KEY} = job.{KEY}) "
            "RETURNING closed_at = unlisted_at AS closed) "
            "SELECT count(*) FILTER (WHERE closed) FROM unlisted"
        ),
        {"client_id": client_id},
    ).scalar_one()
    return closed


def listed(
    connection: Connection, client_ids: Sequence[str] | None = None, *, unmatched: bool = False
) -> list[JobLine]:
    """The jobs of these (or all) clients with the number of their applications, the newest application first.

    With `unmatched` those only that have applications and stand in no imported list: PitchYou named them, and the ATS
    does not know them.
    """
    # A time of the year 9999 would be one of the year 10000 in another zone, which Python cannot hold.
    connection.execute(text("SELECT set_config('TimeZone', 'UTC', true)"))
    rows = connection.execute(
        text(
            "SELECT job.*, applications, newest_application_at FROM ats.job CROSS JOIN LATERAL ("
            "SELECT count(*) AS applications, max(coalesce(applied_at, first_seen_at)) AS newest_application_at "
            "FROM ats.application WHERE client_id = job.client_id "
            "AND external_reference_id = job.external_reference_id) AS received "
            "WHERE (CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids)) "
            "AND (NOT :unmatched OR (origin <> 'import' AND applications > 0)) "
            "ORDER BY client_id, newest_application_at DESC NULLS LAST, external_reference_id"
        ),
        {"client_ids": None if client_ids is None else list(client_ids), "unmatched": unmatched},
    )
    return [JobLine(**row._mapping) for row in rows]
