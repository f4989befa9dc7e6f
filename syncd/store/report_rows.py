"""The rows of the reports: which are due, and how a batch of them is brought up to date.

A row is computed from the application's present state alone, so doing it twice changes nothing. What a row shows of an
erased application is what it showed before; see `report_erasure.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.store import placeholders, report_options
from syncd.store.persons import add_missing_keys, number
from syncd.store.report_erasure import forget
from syncd.store.report_questions import APPLICATIONS
from syncd.store.report_row_sql import WRITE


@dataclass(frozen=True, slots=True)
class Due:
    """Applications whose row is older than they are, and whether the client's questions must be looked at first."""

    ids: list[str]
    questions_are_stale: bool


# Questions are looked at once a day, and not before they can have enough answers.
_DUE = text(
    """
    SELECT profile_id,
           (SELECT coalesce(max(checked_at) < now() - interval '1 day', true)
            FROM report_data.question_check WHERE client_id = :client_id)
           AND EXISTS (SELECT FROM ats.application WHERE client_id = :client_id OFFSET :enough - 1) AS stale
    FROM report_data.due
    WHERE client_id = :client_id AND profile_id > :after
    ORDER BY profile_id
    LIMIT :limit
    """
)


def due(connection: Connection, client_id: str, after: str, limit: int) -> Due:
    """Selects the applications that follow `after` whose row is older than they are."""
    rows = connection.execute(
        _DUE, {"client_id": client_id, "after": after, "limit": limit, "enough": APPLICATIONS}
    ).all()
    return Due([row.profile_id for row in rows], bool(rows) and rows[0].stale)


_TAKE = text("DELETE FROM report_data.due WHERE client_id = :client_id AND profile_id = ANY(:ids)")


def refresh(connection: Connection, client_id: str, ids: Sequence[str], region: str) -> None:
    """Brings the rows of these applications up to date, and strikes them off the list.

    A transaction that changes one of them meanwhile waits for this one, and then makes it due again.

    Args:
        region: the country of phone numbers without a country code.
    """
    batch = {"client_id": client_id, "ids": list(ids)}
    # In this order, so that it locks applications before what is due, as everybody does who changes an application.
    add_missing_keys(connection, client_id, ids, region)
    connection.execute(_TAKE, batch)
    report_options.add(connection, client_id, ids)
    written = connection.execute(WRITE, batch).all()
    persons = {row.person_key for row in written if row.person_key}
    gone = set(ids).difference(row.profile_id for row in written if row.is_new)
    if gone:
        forget(connection, client_id, sorted(gone))
    if persons:
        number(connection, client_id, sorted(persons))
    digests = {bytes(row.cv_sha256) for row in written if row.cv_sha256}
    if digests:
        placeholders.find(connection, client_id, sorted(digests))
