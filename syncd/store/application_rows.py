"""The rows that a profile is made of, and how they are copied into their tables."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from syncd.model import Profile
from syncd.store import tables
from syncd.store.copying import copy_rows

Row = tuple[Any, ...]
Landing = tuple[Profile, int]  # a profile, and the revision that it becomes

_FACTS = (
    "wire_id",
    "external_reference_id",
    "job_template_key",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "applied_at",
    "applied_at_raw",
    "language",
    "payload_sha256",
    "raw_sha256",
)
_KEY = ("client_id", "profile_id")
_facts = attrgetter(*_FACTS)


def application_values(client_id: str, profile: Profile) -> dict[str, Any]:
    """Returns the columns of `ats.application` that the profile determines, with its key."""
    return dict(zip((*_KEY, *_FACTS), (client_id, profile.profile_id, *_facts(profile)), strict=True))


def copy_applications(
    connection: Connection, client_id: str, profiles: Iterable[Profile], persons: Mapping[str, str | None]
) -> None:
    """Adds the rows of new applications, without their children.

    Args:
        persons: the key of each profile's person, by the profile's id.
    """
    rows = (
        (client_id, profile.profile_id, *_facts(profile), persons[profile.profile_id]) for profile in profiles
    )
    copy_rows(connection, tables.application, (*_KEY, *_FACTS, "person_key"), rows)


def copy_payloads(connection: Connection, client_id: str, landings: Iterable[Landing]) -> None:
    """Adds the payload of each revision."""
    rows = ((client_id, profile.profile_id, revision, profile.payload) for profile, revision in landings)
    copy_rows(connection, tables.application_raw, (*_KEY, "revision", "payload"), rows)


def copy_children(
    connection: Connection, client_id: str, profiles: Collection[Profile], kept: Collection[tuple[str, str]]
) -> None:
    """Adds the contacts, answers, media files and attachments of profiles.

    Args:
        kept: the media files, as (profile_id, media_id), that have a row already.
    """

    def rows(of: Callable[[Profile], Iterable[Row]]) -> Iterator[Row]:
        for profile in profiles:
            for row in of(profile):
                yield (client_id, profile.profile_id, *row)

    copy_rows(
        connection,
        tables.application_contact,
        (*_KEY, "first_name", "last_name", "email", "phone", "extra"),
        rows(contact_row),
    )
    copy_rows(
        connection,
        tables.answer,
        (*_KEY, "step_no", "question", "answer", "answer_json", "extra"),
        rows(answer_rows),
    )
    copy_rows(
        connection,
        tables.media,
        (*_KEY, "media_id", "mime_type", "file_name", "download_uri"),
        (row for row in rows(media_rows) if (row[1], row[2]) not in kept),
    )
    copy_rows(
        connection,
        tables.attachment,
        (*_KEY, "role", "step_no", "ordinal", "media_id"),
        rows(attachment_rows),
    )


def contact_row(profile: Profile) -> Iterable[Row]:
    """Gives first name, last name, e-mail, phone and the other fields of a profile."""
    contact = profile.contact
    return [(contact.first_name, contact.last_name, contact.email, contact.phone, contact.extra)]


def answer_rows(profile: Profile) -> Iterable[Row]:
    """Gives number, question, answer as text, answer as JSON and the other fields of each step."""
    return ((a.step_no, a.question, a.answer, a.answer_json, a.extra) for a in profile.answers)


def media_rows(profile: Profile) -> Iterable[Row]:
    """Gives id, MIME type, file name and download URI of each file."""
    return ((m.media_id, m.mime_type, m.file_name, m.download_uri) for m in profile.media)


def attachment_rows(profile: Profile) -> Iterable[Row]:
    """Gives role, step, ordinal and file of each place that names a file."""
    return ((a.role.value, a.step_no, a.ordinal, a.media_id) for a in profile.attachments)
