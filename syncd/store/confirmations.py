"""The outbox: applications whose newest revision is safe here and not yet confirmed to PitchYou."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.store.retries import is_due


@dataclass(frozen=True, slots=True)
class Ready:
    """An application that may be confirmed. `wire_id` is its id as JSON text; `refused_before` says it was refused."""

    profile_id: str
    wire_id: str
    revision: int
    refused_before: bool


def ready(connection: Connection, client_id: str, limit: int) -> list[Ready]:
    """What may be confirmed now, oldest first.

    All media of an application must be stored, gone for good or erased: none may be pending or rejected. And none
    of its versions may wait in quarantine: PitchYou would take the confirm for the newest one.
    """
    rows = connection.execute(
        text(
            "SELECT profile_id, wire_id, revision, confirm_error IS NOT NULL AS refused_before "
            "FROM ats.application a WHERE client_id = :client_id AND revision > confirmed_revision "
            f"AND (confirm_error IS NULL OR {is_due('confirm_retry_at')}) AND NOT EXISTS ("
            "SELECT FROM ats.media m WHERE m.client_id = a.client_id AND m.profile_id = a.profile_id "
            "AND m.state IN ('pending', 'rejected')) AND NOT EXISTS ("
            "SELECT FROM ops.quarantine q WHERE q.client_id = a.client_id AND q.profile_id = a.profile_id "
            "AND q.resolved_at IS NULL) "
            "ORDER BY first_seen_at, profile_id LIMIT :limit"
        ),
        {"client_id": client_id, "limit": limit},
    )
    return [Ready(**row._mapping) for row in rows]


def record(connection: Connection, client_id: str, confirmed: Sequence[Ready]) -> None:
    """Write down that PitchYou has accepted the confirm of these revisions."""
    connection.execute(
        text(
            "UPDATE ats.application a SET confirmed_revision = said.revision, confirmed_at = now(), "
            "confirm_error = NULL, confirm_retry_at = NULL "
            "FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS int[])) AS said(profile_id, revision) "
            "WHERE a.client_id = :client_id AND a.profile_id = said.profile_id"
        ),
        {
            "client_id": client_id,
            "ids": [application.profile_id for application in confirmed],
            "revisions": [application.revision for application in confirmed],
        },
    )


def record_refusal(
    connection: Connection, client_id: str, application: Ready, error: str, *, retry_in: float
) -> None:
    """Write down that PitchYou refuses this id, and when to ask again (seconds from now)."""
    connection.execute(
        text(
            "UPDATE ats.application SET confirm_error = :error, "
            "confirm_retry_at = now() + make_interval(secs => :retry_in) "
            "WHERE client_id = :client_id AND profile_id = :profile_id"
        ),
        {
            "client_id": client_id,
            "profile_id": application.profile_id,
            "error": error,
            "retry_in": retry_in,
        },
    )
