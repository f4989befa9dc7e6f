"""Open a chat with an applicant (S3.1–S3.3)."""

from collections.abc import Sequence

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, BadInput
from syncd.pitchyou import PitchYou, chat_url
from syncd.store import chat_requests
from syncd.store.chat_requests import Applicant
from syncd.store.engine import Database

MAX_NAME = 100  # characters of a recruiter's name


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
                f"the application {profile_id[:80]!r} is not of client {client_id}, but of: {owners}"
            )
        found = mine
    if not found:
        raise BadInput(
            f"there is no application {profile_id[:80]!r} in the store: look it up in ats.application"
        )
    if len(found) > 1:
        owners = ", ".join(applicant.client_id for applicant in found)
        raise BadInput(
            f"several clients have an application {profile_id[:80]!r}: say --client, one of: {owners}"
        )
    return found[0]


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
        raise ApiRefused(
            f"PitchYou opens no chat with profile {applicant.profile_id[:80]!r} of client "
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
            f"the application {applicant.profile_id[:80]!r} was erased meanwhile: no chat was opened"
        )
    return chat_url(token, chat_base)


def checked_name(name: str | None) -> str | None:
    """The recruiter's name without blanks around it; None where there is none.

    Raises:
        BadInput: it is too long, or holds what cannot be shown (line breaks, marks that turn the writing direction).
    """
    name = (name or "").strip()
    if len(name) > MAX_NAME:
        raise BadInput(f"the recruiter's name has {len(name)} characters, at most {MAX_NAME} are shown")
    if not name.isprintable():
        raise BadInput(
            "the recruiter's name holds a control character or a mark that cannot be seen: remove it"
        )
    return name or None
