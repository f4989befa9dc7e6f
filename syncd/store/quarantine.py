"""What could not be read or landed: kept with its bytes and its reason until a later version can."""

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


_COLUMNS = (
    "quarantine_id, client_id, profile_id, stage, error, attempts, octet_length(payload) AS size_bytes, "
    "first_seen_at, last_seen_at, resolved_at"
)


def put(connection: Connection, client_id: str, stage: Stage, bad: Sequence[BadProfile]) -> list[BadProfile]:
    """Keep bad profiles; one that is already there, unresolved, is not written again. Returns the new ones."""
    if not bad:
        return []
    by_fingerprint = {profile.fingerprint: profile for profile in bad}
    known = connection.execute(
        text(
            "SELECT fingerprint FROM ops.quarantine WHERE client_id = :client_id "
            "AND fingerprint = ANY(:fingerprints) AND resolved_at IS NULL"
        ),
        {"client_id": client_id, "fingerprints": list(by_fingerprint)},
    ).scalars()
    for fingerprint in known:
        del by_fingerprint[bytes(fingerprint)]
    if by_fingerprint:
        copy_rows(
            connection,
            tables.quarantine,
            ("client_id", "profile_id", "stage", "error", "fingerprint", "payload"),
            (
                (client_id, profile.profile_id, stage, profile.reason, fingerprint, profile.payload)
                for fingerprint, profile in by_fingerprint.items()
            ),
        )
    return list(by_fingerprint.values())


def resolve(connection: Connection, client_id: str, profile_ids: Sequence[str]) -> None:
    """Mark as resolved what was kept of profiles that have meanwhile been landed."""
    connection.execute(
        text(
            "UPDATE ops.quarantine SET resolved_at = now() "
            "WHERE client_id = :client_id AND profile_id = ANY(:ids) AND resolved_at IS NULL"
        ),
        {"client_id": client_id, "ids": list(profile_ids)},
    )


def entries(
    connection: Connection, client_id: str | None = None, *, resolved: bool = False
) -> list[Quarantined]:
    """The entries, oldest first; without `resolved` only those that still wait."""
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM ops.quarantine "
            "WHERE (CAST(:client_id AS text) IS NULL OR client_id = :client_id) "
            "AND (:resolved OR resolved_at IS NULL) ORDER BY quarantine_id"
        ),
        {"client_id": client_id, "resolved": resolved},
    )
    return [Quarantined(**row._mapping) for row in rows]


def show(connection: Connection, quarantine_id: int) -> tuple[Quarantined, bytes] | None:
    """One entry and its bytes, or None."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS}, payload FROM ops.quarantine WHERE quarantine_id = :quarantine_id"),
        {"quarantine_id": quarantine_id},
    ).one_or_none()
    if row is None:
        return None
    fields: dict[str, Any] = dict(row._mapping)
    payload = bytes(fields.pop("payload"))
    return Quarantined(**fields), payload


def unresolved_before(
    connection: Connection, client_id: str, before: int, limit: int
) -> list[tuple[int, str, bytes]]:
    """The next unresolved entries below id `before`, newest first, as (id, stage, payload)."""
    rows = connection.execute(
        text(
            "SELECT quarantine_id, stage, payload FROM ops.quarantine WHERE client_id = :client_id "
            "AND resolved_at IS NULL AND quarantine_id < :before ORDER BY quarantine_id DESC LIMIT :limit"
        ),
        {"client_id": client_id, "before": before, "limit": limit},
    )
    return [(row.quarantine_id, row.stage, bytes(row.payload)) for row in rows]


def overtaken(connection: Connection, quarantine_id: int, profile_id: str) -> bool:
    """Whether the application was landed from a newer list answer than the one this entry came from."""
    return bool(
        connection.execute(
            text(
                "SELECT a.changed_at > q.first_seen_at FROM ops.quarantine q JOIN ats.application a "
                "ON a.client_id = q.client_id AND a.profile_id = :profile_id WHERE quarantine_id = :quarantine_id"
            ),
            {"quarantine_id": quarantine_id, "profile_id": profile_id},
        ).scalar()
    )


def newer_waits(connection: Connection, client_id: str, quarantine_id: int, profile_id: str) -> bool:
    """Whether a newer version of the application than this entry waits in quarantine as well."""
    return bool(
        connection.execute(
            text(
                "SELECT EXISTS (SELECT FROM ops.quarantine WHERE client_id = :client_id AND profile_id = :profile_id "
                "AND quarantine_id > :quarantine_id AND resolved_at IS NULL)"
            ),
            {"client_id": client_id, "quarantine_id": quarantine_id, "profile_id": profile_id},
        ).scalar()
    )


def note_attempt(connection: Connection, quarantine_id: int, error: str | None) -> None:
    """Record another attempt: its error, or that it succeeded."""
    connection.execute(
        text(
            "UPDATE ops.quarantine SET attempts = attempts + 1, last_seen_at = now(), "
            "error = coalesce(:error, error), resolved_at = CASE WHEN CAST(:error AS text) IS NULL THEN now() END "
            "WHERE quarantine_id = :quarantine_id"
        ),
        {"quarantine_id": quarantine_id, "error": error},
    )
