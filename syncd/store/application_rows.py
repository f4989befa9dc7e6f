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


def copy_children(
    connection: Connection, client_id: str, landings: Collection[Landing], kept: Collection[tuple[str, str]]
) -> None:
    """Adds the payloads, contacts, answers, media files and attachments of profiles.

    Args:
        kept: the media files, as (profile_id, media_id), that have a row already.
    """

    def rows(of: Callable[[Profile, int], Iterable[Row]]) -> Iterator[Row]:
        for profile, revision in landings:
            for row in of(profile, revision):
                yield (client_id, profile.profile_id, *row)

    copy_rows(connection, tables.application_raw, (*_KEY, "revision", "payload"), rows(_raw))
    copy_rows(
        connection,
        tables.application_contact,
        (*_KEY, "first_name", "last_name", "email", "phone", "extra"),
        rows(_contact),
    )
    copy_rows(
        connection,
        tables.answer,
        (*_KEY, "step_no", "question", "answer", "answer_json", "extra"),
        rows(_answers),
    )
    copy_rows(
        connection,
        tables.media,
        (*_KEY, "media_id", "mime_type", "file_name", "download_uri"),
        (row for row in rows(_media) if (row[1], row[2]) not in kept),
    )
    copy_rows(
        connection, tables.attachment, (*_KEY, "role", "step_no", "ordinal", "media_id"), rows(_attachments)
    )


def _raw(profile: Profile, revision: int) -> Iterable[Row]:
    return [(revision, profile.payload)]


def _contact(profile: Profile, revision: int) -> Iterable[Row]:
    contact = profile.contact
    return [(contact.first_name, contact.last_name, contact.email, contact.phone, contact.extra)]


def _answers(profile: Profile, revision: int) -> Iterable[Row]:
    return ((a.step_no, a.question, a.answer, a.answer_json, a.extra) for a in profile.answers)


def _media(profile: Profile, revision: int) -> Iterable[Row]:
    return ((m.media_id, m.mime_type, m.file_name, m.download_uri) for m in profile.media)


def _attachments(profile: Profile, revision: int) -> Iterable[Row]:
    return ((a.role.value, a.step_no, a.ordinal, a.media_id) for a in profile.attachments)
