"""Records who requested a chat with whom, and when. The token opens the chat, so only its digest is stored."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Applicant:
    """An application with whose applicant a chat can be opened. `wire_id` is the profileId as JSON text."""

    client_id: str
    profile_id: str
    wire_id: str


_APPLICANTS = text(
    """
    SELECT client_id, profile_id, wire_id FROM ats.application
    WHERE (CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids))
    AND profile_id = :profile_id AND erased_at IS NULL
    ORDER BY client_id
    """
)


def applicants(connection: Connection, client_ids: Sequence[str] | None, profile_id: str) -> list[Applicant]:
    """Selects the applications with this id: at most one for each client, since ids are unique within a client only.

    Args:
        client_ids: the clients to search; None for all.
    """
    ids = None if client_ids is None else list(client_ids)
    rows = connection.execute(_APPLICANTS, {"client_ids": ids, "profile_id": profile_id})
    return [Applicant(**row._mapping) for row in rows]


_ADD = text(
    """
    INSERT INTO ats.chat_request (client_id, profile_id, recruiter_name, requested_by, token_sha256)
    SELECT client_id, profile_id, :recruiter_name, :requested_by, :token_sha256 FROM ats.application
    WHERE client_id = :client_id AND profile_id = :profile_id AND erased_at IS NULL
    AND NOT EXISTS (
        SELECT FROM ats.chat_request
        WHERE client_id = :client_id AND profile_id = :profile_id AND token_sha256 = :token_sha256
        AND requested_at > now() - interval '1 minute'
    )
    """
)
_IS_RECORDED = text(
    """
    SELECT EXISTS (
        SELECT FROM ats.chat_request
        WHERE client_id = :client_id AND profile_id = :profile_id AND token_sha256 = :token_sha256
        AND requested_at > now() - interval '1 minute'
    )
    """
)


def add(
    connection: Connection, applicant: Applicant, *, recruiter_name: str | None, requested_by: str, token: str
) -> bool:
    """Records that a chat was opened; returns False if the application does not exist any more.

    May run again after a COMMIT whose reply was lost: within a minute, the same token is recorded once.
    """
    values = {
        "client_id": applicant.client_id,
        "profile_id": applicant.profile_id,
        "recruiter_name": recruiter_name,
        "requested_by": requested_by,
        "token_sha256": hashlib.sha256(token.encode()).digest(),
    }
    connection.execute(_ADD, values)
    recorded: bool = connection.execute(_IS_RECORDED, values).scalar_one()
    return recorded
