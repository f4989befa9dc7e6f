"""The fields of the payload that syncd does not know: their paths and types, and how many profiles had them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

FieldKey = tuple[str, str]  # a path and a type


@dataclass(frozen=True, slots=True)
class Drifted:
    """An unknown field of a client. `seen` counts profiles."""

    client_id: str
    path: str
    type: str
    seen: int
    first_seen_at: datetime
    last_seen_at: datetime


_KNOWN = text("SELECT path, type FROM ops.schema_drift WHERE client_id = :client_id")
_NOTE = text(
    """
    INSERT INTO ops.schema_drift AS d (client_id, path, type, seen)
    SELECT :client_id, path, type, seen
    FROM unnest(CAST(:paths AS text[]), CAST(:types AS text[]), CAST(:counts AS bigint[])) AS found(path, type, seen)
    ORDER BY path, type
    ON CONFLICT (client_id, path, type) DO UPDATE SET seen = d.seen + excluded.seen, last_seen_at = now()
    """
)


def note(
    connection: Connection, client_id: str, found: Mapping[FieldKey, int], at_most: int, further: FieldKey
) -> int:
    """Adds the number of profiles with each field.

    Args:
        at_most: fields that are told apart. All others count as `further`.

    Returns:
        How many paths are new in the table, without `further`.
    """
    known = {(row.path, row.type) for row in connection.execute(_KNOWN, {"client_id": client_id})}
    room = at_most - len(known - {further})
    new = [field for field in sorted(found) if field not in known and field != further]
    added = set(new[: max(0, room)])
    counts = {field: count for field, count in found.items() if field in known or field in added}
    # A profile may have several of the fields that are left, so the highest count says how many profiles at least.
    if left := [count for field, count in found.items() if field not in counts]:
        counts[further] = max(*left, counts.get(further, 0))
    connection.execute(
        _NOTE,
        {
            "client_id": client_id,
            "paths": [path for path, _ in counts],
            "types": [kind for _, kind in counts],
            "counts": list(counts.values()),
        },
    )
    return len({path for path, _ in added} - {path for path, _ in known})


_RECOUNT = text("UPDATE ops.schema_drift SET seen = 0 WHERE client_id = :client_id AND seen <> 0")


def begin_recount(connection: Connection, client_id: str) -> None:
    """Sets all counts to zero, because a replay reads every profile."""
    connection.execute(_RECOUNT, {"client_id": client_id})


_FORGET = text("DELETE FROM ops.schema_drift WHERE client_id = :client_id AND seen = 0")


def end_recount(connection: Connection, client_id: str) -> None:
    """Deletes the fields that no profile has had since the recount began, such as those that are mapped now."""
    connection.execute(_FORGET, {"client_id": client_id})


_LISTED = text(
    """
    SELECT client_id, path, type, seen, first_seen_at, last_seen_at FROM ops.schema_drift
    WHERE client_id = ANY(:client_ids)
    ORDER BY client_id, path = '*', path, type
    """
)


def listed(connection: Connection, client_ids: Sequence[str]) -> list[Drifted]:
    """Selects the unknown fields of these clients."""
    rows = connection.execute(_LISTED, {"client_ids": list(client_ids)})
    return [Drifted(**row._mapping) for row in rows]
