"""Profiles that could not be read or landed: kept with their bytes and the reason until a later version can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from syncd.model import BadProfile
from syncd.store import tables
from syncd.store.copying import copy_rows

Stage = Literal["read", "land"]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One entry without its bytes, which only `show` and `unresolved_before` load."""

    quarantine_id: int
    client_id: str
    profile_id: str | None
    stage: str
    error: str
    attempts: int
    size_bytes: int
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None


_UNRESOLVED = text(
    """
    SELECT fingerprint FROM ops.quarantine
    WHERE client_id = :client_id AND fingerprint = ANY(:fingerprints) AND resolved_at IS NULL
    """
)


def put(connection: Connection, client_id: str, stage: Stage, bad: Sequence[BadProfile]) -> list[BadProfile]:
    """Stores bad profiles, except those that have an unresolved entry already. Returns the new ones."""
    if not bad:
        return []
    new = {profile.fingerprint: profile for profile in bad}
    known = connection.execute(_UNRESOLVED, {"client_id": client_id, "fingerprints": list(new)}).scalars()
    for fingerprint in known:
        del new[bytes(fingerprint)]
    if new:
        copy_rows(
            connection,
            tables.quarantine,
            ("client_id", "profile_id", "stage", "error", "fingerprint", "payload"),
            (
                (client_id, profile.profile_id, stage, profile.reason, fingerprint, profile.payload)
                for fingerprint, profile in new.items()
            ),
        )
    return list(new.values())


_RESOLVE = text(
    """
    UPDATE ops.quarantine SET resolved_at = now()
    WHERE client_id = :client_id AND profile_id = ANY(:ids) AND resolved_at IS NULL
    """
)


def resolve(connection: Connection, client_id: str, profile_ids: Sequence[str]) -> None:
    """Marks the entries of profiles that were landed as resolved."""
    connection.execute(_RESOLVE, {"client_id": client_id, "ids": list(profile_ids)})


_ENTRIES = text(
    """
    SELECT quarantine_id, client_id, profile_id, stage, error, attempts, octet_length(payload) AS size_bytes,
           first_seen_at, last_seen_at, resolved_at
    FROM ops.quarantine
    WHERE (CAST(:client_id AS text) IS NULL OR client_id = :client_id)
    AND (:resolved OR resolved_at IS NULL)
    ORDER BY quarantine_id
    """
)


def entries(
    connection: Connection, client_id: str | None = None, *, resolved: bool = False
) -> list[Quarantined]:
    """Selects the unresolved entries, oldest first; with `resolved`, all entries."""
    rows = connection.execute(_ENTRIES, {"client_id": client_id, "resolved": resolved})
    return [Quarantined(**row._mapping) for row in rows]


_SHOW = text(
    """
    SELECT quarantine_id, client_id, profile_id, stage, error, attempts, octet_length(payload) AS size_bytes,
           first_seen_at, last_seen_at, resolved_at, payload
    FROM ops.quarantine
    WHERE quarantine_id = :quarantine_id
    """
)


def show(connection: Connection, quarantine_id: int) -> tuple[Quarantined, bytes] | None:
    """Returns one entry and its bytes, or None."""
    row = connection.execute(_SHOW, {"quarantine_id": quarantine_id}).one_or_none()
    if row is None:
        return None
    fields: dict[str, Any] = dict(row._mapping)
    payload = bytes(fields.pop("payload"))
    return Quarantined(**fields), payload


_UNRESOLVED_BEFORE = text(
    """
    SELECT quarantine_id, payload FROM ops.quarantine
    WHERE client_id = :client_id AND resolved_at IS NULL AND quarantine_id < :before
    ORDER BY quarantine_id DESC
    LIMIT :limit
    """
)


def unresolved_before(
    connection: Connection, client_id: str, before: int, limit: int
) -> list[tuple[int, bytes]]:
    """Selects the next unresolved entries below the id `before`, newest first, as (id, payload)."""
    rows = connection.execute(_UNRESOLVED_BEFORE, {"client_id": client_id, "before": before, "limit": limit})
    return [(row.quarantine_id, bytes(row.payload)) for row in rows]


_OVERTAKEN = text(
    """
    SELECT a.changed_at > q.first_seen_at
    FROM ops.quarantine q
    JOIN ats.application a ON a.client_id = q.client_id AND a.profile_id = :profile_id
    WHERE quarantine_id = :quarantine_id AND q.client_id = :client_id
    """
)


def overtaken(connection: Connection, client_id: str, quarantine_id: int, profile_id: str) -> bool:
    """Whether the application was landed from a newer list than the one that this entry came from."""
    return bool(
        connection.execute(
            _OVERTAKEN, {"client_id": client_id, "quarantine_id": quarantine_id, "profile_id": profile_id}
        ).scalar()
    )


_NEWER_WAITS = text(
    """
    SELECT EXISTS (
        SELECT FROM ops.quarantine
        WHERE client_id = :client_id AND profile_id = :profile_id AND quarantine_id > :quarantine_id
        AND resolved_at IS NULL
    )
    """
)


def newer_waits(connection: Connection, client_id: str, quarantine_id: int, profile_id: str) -> bool:
    """Whether a newer version of the application than this entry waits in quarantine as well."""
    waits: bool = connection.execute(
        _NEWER_WAITS, {"client_id": client_id, "quarantine_id": quarantine_id, "profile_id": profile_id}
    ).scalar_one()
    return waits


_NOTE_ATTEMPT = text(
    """
    UPDATE ops.quarantine SET
        attempts = attempts + 1,
        last_seen_at = now(),
        error = coalesce(:error, error),
        resolved_at = CASE WHEN CAST(:error AS text) IS NULL THEN now() END
    WHERE quarantine_id = :quarantine_id AND client_id = :client_id
    """
)


def note_attempt(connection: Connection, client_id: str, quarantine_id: int, error: str | None) -> None:
    """Records another attempt. With an error the entry stays unresolved; with None it is resolved."""
    connection.execute(
        _NOTE_ATTEMPT, {"client_id": client_id, "quarantine_id": quarantine_id, "error": error}
    )
