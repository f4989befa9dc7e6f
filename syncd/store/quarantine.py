"""Profiles that could not be read or landed: kept with their bytes and the reason until a later version can be."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    SELECT fingerprint, quarantine_id, sha256(payload) AS digest FROM ops.quarantine
    WHERE client_id = :client_id AND fingerprint = ANY(:fingerprints) AND resolved_at IS NULL
    """
)


# Unresolved entries of one profile with the same reason. Of what cannot be parsed, only the newest bytes count. Versions
# that Postgres refuses differ in what they say, so some of them are kept.
_KEPT = {"read": 1, "land": 10}
# The numbers in a reason say how long a profile is, or which step is wrong.
_SAME_TROUBLE = text(
    """
    SELECT bad.fingerprint, q.quarantine_id
    FROM unnest(CAST(:fingerprints AS bytea[]), CAST(:ids AS text[]), CAST(:reasons AS text[]))
        AS bad(fingerprint, profile_id, reason)
    CROSS JOIN LATERAL (
        SELECT (array_agg(quarantine_id ORDER BY received_at DESC, quarantine_id DESC))[1] AS quarantine_id
        FROM ops.quarantine
        WHERE client_id = :client_id AND profile_id = bad.profile_id AND resolved_at IS NULL AND stage = :stage
        AND regexp_replace(error, '[0-9]+', '', 'g') = regexp_replace(bad.reason, '[0-9]+', '', 'g')
        HAVING count(*) >= :kept
    ) AS q
    """
)
_REPLACE = text(
    """
    UPDATE ops.quarantine SET
        fingerprint = :fingerprint,
        payload = :payload,
        error = :error,
        attempts = attempts + 1,
        last_seen_at = now(),
        received_at = now()
    WHERE quarantine_id = :quarantine_id AND client_id = :client_id
    """
)


def put(connection: Connection, client_id: str, stage: Stage, bad: Sequence[BadProfile]) -> list[BadProfile]:
    """Stores bad profiles, except those that have an unresolved entry already. Returns those that got a new entry.

    A profile that is bad for the same reason again, but with other bytes, gets no further entry: its bytes replace the
    newest ones. Some profiles contain an address or a time that is new in each list.
    """
    if not bad:
        return []
    new = {profile.fingerprint: profile for profile in bad}
    known = connection.execute(_UNRESOLVED, {"client_id": client_id, "fingerprints": list(new)}).all()
    for row in known:
        profile = new.pop(bytes(row.fingerprint))
        if _digest(profile) != bytes(row.digest):
            _replace(connection, client_id, row.quarantine_id, profile)
    for quarantine_id, profile in _same_trouble(connection, client_id, stage, list(new.values())):
        _replace(connection, client_id, quarantine_id, new.pop(profile.fingerprint))
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


def _digest(profile: BadProfile) -> bytes:
    return hashlib.sha256(profile.payload).digest()


def _same_trouble(
    connection: Connection, client_id: str, stage: Stage, bad: Sequence[BadProfile]
) -> list[tuple[int, BadProfile]]:
    """Returns the profiles that have an entry for the same reason, each with the entry to replace."""
    named = {profile.fingerprint: profile for profile in bad if profile.profile_id is not None}
    if not named:
        return []
    rows = connection.execute(
        _SAME_TROUBLE,
        {
            "client_id": client_id,
            "stage": stage,
            "kept": _KEPT[stage],
            "fingerprints": list(named),
            "ids": [profile.profile_id for profile in named.values()],
            "reasons": [profile.reason for profile in named.values()],
        },
    )
    return [(row.quarantine_id, named[bytes(row.fingerprint)]) for row in rows]


def _replace(connection: Connection, client_id: str, quarantine_id: int, profile: BadProfile) -> None:
    """Puts the newest bytes of a bad profile into its entry."""
    connection.execute(
        _REPLACE,
        {
            "client_id": client_id,
            "quarantine_id": quarantine_id,
            "fingerprint": profile.fingerprint,
            "payload": profile.payload,
            "error": profile.reason,
        },
    )


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
    SELECT quarantine_id, received_at, payload FROM ops.quarantine
    WHERE client_id = :client_id AND resolved_at IS NULL
    AND (
        CAST(:received_at AS timestamptz) IS NULL
        OR (received_at, quarantine_id) < (:received_at, CAST(:quarantine_id AS bigint))
    )
    ORDER BY received_at DESC, quarantine_id DESC
    LIMIT :limit
    """
)


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's place among the entries of its client, which are ordered by the time when their bytes came."""

    received_at: datetime | None
    quarantine_id: int


NEWEST = Place(None, 0)


def unresolved_before(
    connection: Connection, client_id: str, before: Place, limit: int
) -> list[tuple[Place, bytes]]:
    """Selects the next unresolved entries whose bytes came before the place `before`, newest first, with their bytes."""
    rows = connection.execute(_UNRESOLVED_BEFORE, {"client_id": client_id, **asdict(before), "limit": limit})
    return [(Place(row.received_at, row.quarantine_id), bytes(row.payload)) for row in rows]


_OVERTAKEN = text(
    """
    SELECT a.changed_at > q.received_at
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
        WHERE client_id = :client_id AND profile_id = :profile_id AND resolved_at IS NULL
        AND (received_at, quarantine_id) > (:received_at, CAST(:quarantine_id AS bigint))
    )
    """
)


def newer_waits(connection: Connection, client_id: str, place: Place, profile_id: str) -> bool:
    """Whether a newer version of the application than this entry waits in quarantine as well."""
    waits: bool = connection.execute(
        _NEWER_WAITS, {"client_id": client_id, "profile_id": profile_id, **asdict(place)}
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
