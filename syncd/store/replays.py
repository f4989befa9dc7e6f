"""How far the replay of a client has come, and the payloads that it reads next."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Progress:
    """What a replay has done so far. `after` is the last profile_id that it has read; empty at the beginning."""

    after: str = ""
    applications: int = 0
    changed: int = 0
    left_alone: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """The newest revision of an application. `payload` and `received_at` are None if its bytes are not stored."""

    profile_id: str
    revision: int
    wire_id: str
    received_at: datetime | None
    payload: bytes | None


_BEGIN = text(
    """
    INSERT INTO ops.replay AS r (client_id, rules) VALUES (:client_id, :rules)
    ON CONFLICT (client_id) DO UPDATE SET
        rules = excluded.rules,
        after_profile_id = '',
        applications = 0,
        changed = 0,
        left_alone = 0,
        started_at = now(),
        updated_at = now(),
        finished_at = NULL
    WHERE r.finished_at IS NOT NULL OR r.rules <> excluded.rules
    """
)
_PROGRESS = text(
    """
    SELECT after_profile_id AS after, applications, changed, left_alone
    FROM ops.replay WHERE client_id = :client_id
    """
)


def begin(connection: Connection, client_id: str, rules: bytes) -> Progress:
    """Begins a replay, or continues one that was interrupted and had the same rules.

    Args:
        rules: a digest of what decides how payloads are read.
    """
    connection.execute(_BEGIN, {"client_id": client_id, "rules": rules})
    return Progress(**connection.execute(_PROGRESS, {"client_id": client_id}).one()._mapping)


_ADVANCE = text(
    """
    UPDATE ops.replay SET
        after_profile_id = :after,
        applications = applications + :applications,
        changed = changed + :changed,
        left_alone = left_alone + :left_alone,
        updated_at = now()
    WHERE client_id = :client_id
    """
)


def advance(
    connection: Connection, client_id: str, after: str, *, applications: int, changed: int, left_alone: int
) -> None:
    """Records that all applications up to `after` were read, and adds to the counts."""
    connection.execute(
        _ADVANCE,
        {
            "client_id": client_id,
            "after": after,
            "applications": applications,
            "changed": changed,
            "left_alone": left_alone,
        },
    )


_FINISH = text("UPDATE ops.replay SET finished_at = now(), updated_at = now() WHERE client_id = :client_id")


def finish(connection: Connection, client_id: str) -> None:
    """Records that every application was read."""
    connection.execute(_FINISH, {"client_id": client_id})


# The LATERAL with LIMIT 1 makes Postgres look up each payload in the primary key, see `applications.py`. The length of
# a payload is known without reading it.
_NEXT = text(
    """
    SELECT profile_id, revision, wire_id, received_at, payload
    FROM (
        SELECT
            a.profile_id, a.revision, a.wire_id, r.received_at, r.payload,
            sum(size) OVER (ORDER BY a.profile_id) - size AS before
        FROM (
            SELECT profile_id, revision, wire_id FROM ats.application
            WHERE client_id = :client_id AND profile_id > :after AND erased_at IS NULL
            ORDER BY profile_id
            LIMIT :limit
        ) AS a
        LEFT JOIN LATERAL (
            SELECT received_at, payload FROM ats.application_raw
            WHERE client_id = :client_id AND profile_id = a.profile_id AND revision = a.revision
            LIMIT 1
        ) AS r ON true
        CROSS JOIN LATERAL (SELECT coalesce(octet_length(r.payload), 0) AS size) AS s
    ) AS x
    WHERE before < :bytes
    ORDER BY profile_id
    """
)


def following(connection: Connection, client_id: str, after: str, limit: int, max_bytes: int) -> list[Stored]:
    """Selects the applications that follow `after`, with their bytes.

    Args:
        limit: the maximum number of applications.
        max_bytes: once the payloads have this number of bytes, no further application is selected.
    """
    rows = connection.execute(
        _NEXT, {"client_id": client_id, "after": after, "limit": limit, "bytes": max_bytes}
    )
    return [
        Stored(
            row.profile_id,
            row.revision,
            row.wire_id,
            row.received_at,
            None if row.payload is None else bytes(row.payload),
        )
        for row in rows
    ]


_COUNT = text("SELECT count(*) FROM ats.application WHERE client_id = :client_id AND erased_at IS NULL")


def count(connection: Connection, client_id: str) -> int:
    """Counts the client's applications."""
    found: int = connection.execute(_COUNT, {"client_id": client_id}).scalar_one()
    return found
