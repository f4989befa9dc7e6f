"""Who asked for a chat with whom, and when. The token is the key to the chat, so that only its digest is kept."""

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


def applicants(connection: Connection, client_ids: Sequence[str] | None, profile_id: str) -> list[Applicant]:
    """The applications with this id, one for each of the clients (None: all) that has it: ids are unique within one only."""
    rows = connection.execute(
        text(
            "SELECT client_id, profile_id, wire_id FROM ats.application "
            "WHERE (CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids)) AND profile_id = :profile_id AND erased_at IS NULL ORDER BY client_id"
        ),
        {"client_ids": None if client_ids is None else list(client_ids), "profile_id": profile_id},
    )
    return [Applicant(**row._mapping) for row in rows]


def add(
    connection: Connection, applicant: Applicant, *, recruiter_name: str | None, requested_by: str, token: str
) -> bool:
    """Note that a chat was opened; False when the application is not there any more.

    May run again after a commit whose answer was lost: the same token is noted once within a minute.
    """
    values = {
        "client_id": applicant.client_id,
        "profile_id": applicant.profile_id,
        "recruiter_name": recruiter_name,
        "requested_by": requested_by,
        "token_sha256": hashlib.sha256(token.encode()).digest(),
    }
    noted = (
        "SELECT FROM ats.chat_request WHERE client_id = :client_id AND profile_id = :profile_id "
        "AND token_sha256 = :token_sha256 AND requested_at > now() - interval '1 minute'"
    )
    connection.execute(
        text(
            "INSERT INTO ats.chat_request (client_id, profile_id, recruiter_name, requested_by, token_sha256) "
            "SELECT client_id, profile_id, :recruiter_name, :requested_by, :token_sha256 FROM ats.application "
            "WHERE client_id = :client_id AND profile_id = :profile_id AND erased_at IS NULL "
            f"AND NOT EXISTS ({noted})"
        ),
        values,
    )
    found: bool = connection.execute(text(f"SELECT EXISTS ({noted})"), values).scalar_one()
    return found
