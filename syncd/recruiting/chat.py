"""Open a chat with an applicant (S3.1–S3.3)."""

from collections.abc import Sequence

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, BadInput
from syncd.pitchyou import PitchYou, chat_url
from syncd.pitchyou.chat import checked_name
from syncd.shown import quoted
from syncd.store import chat_requests
from syncd.store.chat_requests import Applicant
from syncd.store.engine import Database

# What PitchYou answers about an applicant; other refusals are about the request itself.
_ABOUT_THE_APPLICANT = (403, 404, 409, 410, 422)


def find_applicant(
    database: Database,
    client_ids: Sequence[str],
    profile_id: str,
    deadline: Deadline,
    *,
    client_id: str | None,
) -> Applicant:
    """The application with this id.

    Args:
        client_ids: all tenants that are configured.
        client_id: the one that is meant, if it was said.

    Raises:
        BadInput: there is none, it is another tenant's, or several have one with this id.
    """
    if "\0" in profile_id or any("\ud800" <= c <= "\udfff" for c in profile_id):
        raise BadInput("the profile id holds a NUL or bytes that are no UTF-8")
    found = database.transact(lambda c: chat_requests.applicants(c, client_ids, profile_id), deadline)
    if client_id is not None:
        mine = [applicant for applicant in found if applicant.client_id == client_id]
        if not mine and found:
            owners = ", ".join(applicant.client_id for applicant in found)
            raise BadInput(
                f"the application {quoted(profile_id, 80)} is not of client {client_id}, but of: {owners}"
            )
        found = mine
    if not found:
        raise BadInput(_why_not_found(database, profile_id, deadline))
    if len(found) > 1:
        owners = ", ".join(applicant.client_id for applicant in found)
        raise BadInput(
            f"several clients have an application {quoted(profile_id, 80)}: say --client, one of: {owners}"
        )
    return found[0]


def _why_not_found(database: Database, profile_id: str, deadline: Deadline) -> str:
    others = database.transact(lambda c: chat_requests.applicants(c, None, profile_id), deadline)
    if not others:
        return f"there is no application {quoted(profile_id, 80)} in the store: look it up in ats.application"
    owners = ", ".join(applicant.client_id for applicant in others)
    return f"the application {quoted(profile_id, 80)} is of a client that the configuration does not have: {owners}"


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
    """Ask PitchYou for a new token, note who asked, and only then give the chat's address.

    Args:
        recruiter_name: whom the applicant sees as the sender.
        requested_by: the account that asks.
        chat_base: the address of the chat UI.

    Raises:
        BadInput: the recruiter's name cannot be shown, or the application was erased meanwhile.
        ApiRefused, ApiUnavailable, BadAnswer: there is no token.
        DatabaseUnavailable: it could not be noted; the token is thrown away.
    """
    name = checked_name(recruiter_name)
    try:
        token = api.chat_token(applicant.wire_id, name, deadline)
    except ApiRefused as error:
        if error.status not in _ABOUT_THE_APPLICANT:
            raise
        raise ApiRefused(
            f"PitchYou opens no chat with profile {quoted(applicant.profile_id, 80)} of client "
            f"'{applicant.client_id}' (HTTP {error.status}): it may have deleted the profile, or the client may not chat",
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
            f"the application {quoted(applicant.profile_id, 80)} was erased meanwhile: no chat was opened"
        )
    return chat_url(token, chat_base)
