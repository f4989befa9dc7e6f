"""Follows one application from the job ad to the chat. Each step runs the code behind the matching command."""

from dataclasses import dataclass
from urllib.request import urlopen

from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.pitchyou import PitchYou
from syncd.recruiting.chat import find_applicant, open_chat
from syncd.recruiting.links import Wanted, issue_links
from syncd.recruiting.templates import sync_templates
from syncd.sandbox import Sandbox
from syncd.store.database import Database
from syncd.store.templates import listed

# Contains every kind of character that is difficult in a URL.
JOB = "Ä/ö? #1%+ 🚲"
TITLE = "Fahrradkurier (m/w/d)"
SOURCE = "plakat"
TEMPLATE = "fahrer"
RECRUITER = "Frau Jäger"


@dataclass(frozen=True, slots=True)
class Applied:
    """An apply link, and the application that arrived through it."""

    template: str
    link: str
    profile_id: str


@dataclass(frozen=True, slots=True)
class Journey:
    """The whole journey. `job` is the reference that came back with the application, None if it has not arrived."""

    template: str
    link: str
    profile_id: str
    job: str | None
    title: str | None
    confirmed: bool
    chat: str

    @property
    def well(self) -> bool:
        """Whether the application was found under its job, confirmed, and the chat opened."""
        return (self.job, self.title, self.confirmed) == (JOB, TITLE, True) and bool(self.chat)


def offer_and_apply(sandbox: Sandbox, database: Database, api: PitchYou) -> Applied:
    """Choose a template, create the apply link for a job, and apply through it.

    Raises:
        ApiError: the templates could not be fetched.
        BadInput: PitchYou does not offer the template.
        DatabaseUnavailable: the link could not be stored.
    """
    client_id = api.client_id
    sync_templates(api, database, Deadline(30))
    offered = database.transact(lambda c: listed(c, [client_id]), Deadline(30))
    description = next((each.description for each in offered if each.template_key == TEMPLATE), None)
    wanted = Wanted(JOB, template_key=TEMPLATE, title=TITLE, utm_source=SOURCE)
    [link] = issue_links(database, client_id, [wanted], apply_url=sandbox.apply_url(), deadline=Deadline(30))
    profile = sandbox.apply(link.url)
    return Applied(f"{TEMPLATE}, {description}", link.url, str(profile["profileId"]))


def has_come(connection: Connection, applied: Applied) -> bool:
    """Whether the application is stored and confirmed."""
    found = connection.execute(
        text("SELECT FROM ats.application WHERE profile_id = :profile_id AND confirmed_revision = revision"),
        {"profile_id": applied.profile_id},
    )
    return found.first() is not None


_FOUND = text(
    """
    SELECT j.external_reference_id, j.title, a.confirmed_revision = a.revision AS confirmed
    FROM ats.application a JOIN ats.job j USING (client_id, external_reference_id)
    WHERE a.client_id = :client_id AND a.profile_id = :profile_id
    """
)


def end_of(applied: Applied, sandbox: Sandbox, database: Database, api: PitchYou) -> Journey:
    """Find the application in the database and open a chat with its applicant.

    Raises:
        BadInput: the application has not arrived.
        ApiError: PitchYou refused to open a chat.
    """

    def look(connection: Connection) -> tuple[str | None, str | None, bool]:
        row = connection.execute(
            _FOUND, {"client_id": api.client_id, "profile_id": applied.profile_id}
        ).one_or_none()
        return (None, None, False) if row is None else (row[0], row[1], row[2])

    job, title, confirmed = database.transact(look, Deadline(30))
    applicant = find_applicant(database, [api.client_id], applied.profile_id, Deadline(30), client_id=None)
    url = open_chat(
        api,
        database,
        applicant,
        recruiter_name=RECRUITER,
        requested_by="demo",
        chat_base=f"{sandbox.url}/chat",
        deadline=Deadline(30),
    )
    with urlopen(url, timeout=10) as page:  # noqa: S310 - the sandbox's own address
        opened = RECRUITER in page.read().decode()
    # The token is secret.
    shown = f"{url[: url.rindex('/')]}/…"
    return Journey(
        applied.template, applied.link, applied.profile_id, job, title, confirmed, shown if opened else ""
    )
