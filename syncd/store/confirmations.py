"""The outbox: applications whose newest revision is safe here and not yet confirmed to PitchYou."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from syncd.errors import DataRefused


@dataclass(frozen=True, slots=True)
class Ready:
    """An application to confirm.

    Attributes:
        wire_id: its id as JSON text.
        first: whether no revision of it was confirmed before.
        refused_before: whether PitchYou has refused its confirm.
    """

    profile_id: str
    wire_id: str
    revision: int
    refused_before: bool
    first: bool = False


# Nothing is put off for longer than an hour (`syncd.backoff.LONGEST`). So if a retry is more than two hours ahead, the
# clock was set back meanwhile, and the retry is due now.
# OFFSET 0 makes Postgres look up the files and entries of each application by its id. Without it, and without
# statistics, a plan reads all open files of the client for each application.
_SAFE = """
    SELECT profile_id, wire_id, revision, confirmed_revision = 0 AS first, confirm_error IS NOT NULL AS refused_before
    FROM ats.application a
    WHERE client_id = :client_id AND revision > confirmed_revision
    AND (
        confirm_error IS NULL
        OR confirm_retry_at <= now()
        OR confirm_retry_at > now() + interval '2 hours'
    )
    AND NOT EXISTS (
        SELECT FROM (
            SELECT state FROM ats.media
            WHERE client_id = a.client_id AND profile_id = a.profile_id
            OFFSET 0
        ) AS m
        WHERE m.state IN ('pending', 'rejected')
    )
    AND NOT EXISTS (
        SELECT FROM ops.quarantine q
        WHERE q.client_id = a.client_id AND q.profile_id = a.profile_id AND q.resolved_at IS NULL
        OFFSET 0
    )
    """
_READY = text(f"{_SAFE} ORDER BY first_seen_at, profile_id LIMIT :limit")


def ready(connection: Connection, client_id: str, limit: int) -> list[Ready]:
    """Selects what is safe to confirm now, oldest first.

    Each media file of an application must be stored, gone for good or erased; none may be pending or rejected. No version
    of the application may wait in quarantine: PitchYou would apply the confirm to the newest version.
    """
    rows = connection.execute(_READY, {"client_id": client_id, "limit": limit})
    return [Ready(**row._mapping) for row in rows]


_READY_OF = text(
    f"""
    SELECT safe.* FROM unnest(CAST(:ids AS text[])) AS asked(id)
    CROSS JOIN LATERAL ({_SAFE} AND profile_id = asked.id LIMIT 1) AS safe
    """
)


def ready_of(connection: Connection, client_id: str, ids: Collection[str]) -> list[Ready]:
    """Selects those of the applications `ids` that are safe to confirm now, see `ready`. Looks at no others."""
    rows = connection.execute(_READY_OF, {"client_id": client_id, "ids": sorted(ids)})
    return [Ready(**row._mapping) for row in rows]


_RECORD = text(
    """
    UPDATE ats.application a
    SET confirmed_revision = confirmed.revision,
        confirmed_at = now(),
        first_confirmed_at = CASE confirmed_revision
            WHEN 0 THEN coalesce(first_confirmed_at, now()) ELSE first_confirmed_at
        END,
        confirm_error = NULL,
        confirm_retry_at = NULL
    FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS int[])) AS confirmed(profile_id, revision)
    WHERE a.client_id = :client_id AND a.profile_id = confirmed.profile_id
    """
)
_THERE = text(
    """
    SELECT count(*) FROM unnest(CAST(:ids AS text[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT FROM ats.application WHERE client_id = :client_id AND profile_id = asked.id LIMIT 1
    ) AS a
    """
)


def record(connection: Connection, client_id: str, confirmed: Sequence[Ready]) -> None:
    """Records that PitchYou has accepted the confirm of these revisions.

    Raises:
        DataRefused: a trigger or rule of others has left a row as it was.
    """
    ids = [application.profile_id for application in confirmed]
    revisions = [application.revision for application in confirmed]
    written = connection.execute(
        _RECORD, {"client_id": client_id, "ids": ids, "revisions": revisions}
    ).rowcount
    # Somebody may have erased some of the rows meanwhile.
    if (
        written < len(ids)
        and written < connection.execute(_THERE, {"client_id": client_id, "ids": ids}).scalar_one()
    ):
        raise DataRefused("")


_REOPEN = text(
    """
    UPDATE ats.application SET confirmed_revision = revision - 1
    WHERE client_id = :client_id AND profile_id = ANY(:ids) AND confirmed_revision = revision
    AND confirmed_at < :started_at
    """
)


def reopen(connection: Connection, client_id: str, profile_ids: Sequence[str], started_at: datetime) -> None:
    """Makes applications that were confirmed before `started_at` unconfirmed, so that they are confirmed again."""
    connection.execute(_REOPEN, {"client_id": client_id, "ids": list(profile_ids), "started_at": started_at})


_RECORD_REFUSAL = text(
    """
    UPDATE ats.application
    SET confirm_error = :error, confirm_retry_at = now() + make_interval(secs => :retry_in)
    WHERE client_id = :client_id AND profile_id = :profile_id
    """
)


def record_refusal(
    connection: Connection, client_id: str, application: Ready, error: str, *, retry_in: float
) -> None:
    """Records that PitchYou refuses this id, and when to retry it (seconds from now)."""
    connection.execute(
        _RECORD_REFUSAL,
        {
            "client_id": client_id,
            "profile_id": application.profile_id,
            "error": error,
            "retry_in": retry_in,
        },
    )
