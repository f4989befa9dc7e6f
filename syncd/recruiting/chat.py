"""Opens a chat with an applicant (S3.1–S3.3)."""

from collections.abc import Sequence

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, BadInput
from syncd.pitchyou import PitchYou, chat_url
from syncd.pitchyou.chat import checked_name
from syncd.shown import quoted
from syncd.store import chat_requests, clients
from syncd.store.chat_requests import Applicant
from syncd.store.database import Database

# With these statuses PitchYou refuses the applicant. Any other status means that the request itself was wrong. A 401 that
# refuses the client has raised AuthenticationFailed.
_ABOUT_THE_APPLICANT = (401, 403, 404, 409, 410, 422)


def find_applicant(
    database: Database,
    client_ids: Sequence[str],
    profile_id: str,
    deadline: Deadline,
    *,
    client_id: str | None,
) -> Applicant:
    """Find the application with this id.

    Args:
        client_ids: all configured tenants.
        client_id: the tenant to search, or None to search all.

    Raises:
        BadInput: no application has this id, it belongs to another tenant, or several tenants have it.
    """
    if "\0" in profile_id or any("\ud800" <= c <= "\udfff" for c in profile_id):
        raise BadInput("the profile id contains a NUL character or is not valid UTF-8")
    found = database.transact(lambda c: chat_requests.applicants(c, client_ids, profile_id), deadline)
    if client_id is not None:
        mine = [applicant for applicant in found if applicant.client_id == client_id]
        if not mine and found:
            owners = ", ".join(applicant.client_id for applicant in found)
            raise BadInput(
                f"application {quoted(profile_id, 80)} does not belong to client {client_id}, but to: {owners}"
            )
        found = mine
    if not found:
        raise BadInput(_why_not_found(database, profile_id, deadline))
    if len(found) > 1:
        owners = ", ".join(applicant.client_id for applicant in found)
        raise BadInput(
            f"several clients have an application {quoted(profile_id, 80)}; choose one with --client: {owners}"
        )
    return found[0]


def _why_not_found(database: Database, profile_id: str, deadline: Deadline) -> str:
    others = database.transact(lambda c: chat_requests.applicants(c, None, profile_id), deadline)
    if not others:
        return f"no application {quoted(profile_id, 80)} in the database. Look up the id in ats.application."
    owners = ", ".join(applicant.client_id for applicant in others)
    return f"application {quoted(profile_id, 80)} belongs to a client that is not configured: {owners}"


def open_chat(
    api: PitchYou,
    database: Database,
    applicant: Applicant,
    *,
    recruiter_name: str | None,
    requested_by: str,
    chat_base: str,
    deadline: Deadline,
) -> str:
    """Request a new token from PitchYou, record who requested it, and return the chat's URL.

    Args:
        recruiter_name: the sender's name that the applicant sees.
        requested_by: the account that requests the chat.
        chat_base: the URL of the chat UI.

    Raises:
        AnotherServer: `base_url` leads to another server than before, where the id may belong to somebody else.
        BadInput: the recruiter's name cannot be shown, or the application was erased in the meantime.
        ApiRefused, ApiUnavailable, BadAnswer: PitchYou issued no token.
        DatabaseUnavailable: the request could not be recorded, so the token is discarded.
    """
    name = checked_name(recruiter_name)
    database.transact(lambda c: clients.require_server(c, applicant.client_id, api.server), deadline)
    try:
        token = api.chat_token(applicant.wire_id, name, deadline)
    except ApiRefused as error:
        if error.status not in _ABOUT_THE_APPLICANT:
            raise
        raise ApiRefused(
            f"PitchYou refused to open a chat with profile {quoted(applicant.profile_id, 80)} of client "
            f"'{applicant.client_id}' (HTTP {error.status}). PitchYou may have deleted the profile, or chats may be "
            "disabled for this client. Ask PitchYou.",
            status=error.status,
        ) from None
    noted = database.transact(
        lambda c: chat_requests.add(
            c, applicant, recruiter_name=name, requested_by=requested_by, token=token
        ),
        deadline,
    )
    if not noted:
        raise BadInput(
            f"application {quoted(applicant.profile_id, 80)} was erased while the chat was being opened; no chat was opened"
        )
    return chat_url(token, chat_base)
