"""What became of applications: compares a list with the applications before it is merged into `ats.outcome`."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.store import tables
from syncd.store.lists import ListTable

LIST = ListTable("outcome_list", tables.outcome, ("profile_id", "stage"), ("occurred_on",))


@dataclass(frozen=True, slots=True)
class Unknown:
    """How many lines of a list name how many applications that are not stored. `profile_ids` names some of these."""

    lines: int
    applications: int
    profile_ids: tuple[str, ...]


# The time of receipt says nothing about what had happened before.
_TOO_EARLY = text(
    """
    SELECT line_no, count(*) OVER () AS total
    FROM pg_temp.outcome_list AS list
    JOIN ats.application a ON a.client_id = :client_id AND a.profile_id = list.profile_id
        AND a.erased_at IS NULL
    WHERE occurred_on < (a.applied_at AT TIME ZONE :timezone)::date
    ORDER BY line_no
    LIMIT :limit
    """
)


def too_early(connection: Connection, client_id: str, timezone: str, limit: int) -> tuple[list[int], int]:
    """Selects the lines whose day is before the day of the application, in the tenant's time zone.

    Returns:
        At most `limit` of these lines, and the number of all.
    """
    values = {"client_id": client_id, "timezone": timezone, "limit": limit}
    found = connection.execute(_TOO_EARLY, values).all()
    return [row.line_no for row in found], found[0].total if found else 0


_TAKE_OUT = text(
    """
    WITH unknown AS (
        DELETE FROM pg_temp.outcome_list AS list
        WHERE NOT EXISTS (
            SELECT FROM ats.application a
            WHERE a.client_id = :client_id AND a.profile_id = list.profile_id AND a.erased_at IS NULL
        )
        RETURNING line_no, profile_id
    )
    SELECT profile_id, sum(count(*)) OVER () AS lines, count(*) OVER () AS applications
    FROM unknown GROUP BY profile_id ORDER BY min(line_no) LIMIT :limit
    """
)


def take_out_unknown(connection: Connection, client_id: str, limit: int) -> Unknown:
    """Removes the lines from the loaded list whose application never came, or was erased.

    Without its application, an outcome is personal data that nothing needs. Names at most `limit` of the applications.
    """
    found = connection.execute(_TAKE_OUT, {"client_id": client_id, "limit": limit}).all()
    if not found:
        return Unknown(0, 0, ())
    return Unknown(int(found[0].lines), found[0].applications, tuple(row.profile_id for row in found))
