"""Compares the rows of applications with what their profiles say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, TextClause, text

from syncd.model import Json, Profile
from syncd.store.application_rows import (
    Landing,
    answer_rows,
    application_values,
    attachment_rows,
    contact_row,
    media_rows,
)
from syncd.store.copying import encode_json
from syncd.store.persons import person_keys

# The column `wire_id` is left as it is: a confirm sends it, and an operator may have changed it (ADR 31).
_FACTS = (
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
    "person_key",
)
_Row = tuple[Any, ...]
_CONTACT = ("first_name", "last_name", "email", "phone", "extra")


@dataclass(frozen=True, slots=True)
class Difference:
    """An application whose rows differ from its profile.

    Attributes:
        values: the columns of `ats.application` that the profile determines.
        facts: the names of those that differ.
        below: what differs in the rows below: the names of columns of the contact, `answers` or `files`.
    """

    profile: Profile
    revision: int
    values: Mapping[str, Any]
    facts: tuple[str, ...]
    below: tuple[str, ...]


# The LATERAL with LIMIT 1 makes Postgres look up each id in the primary key, see `applications.py`.
_STORED = text(
    """
    SELECT a.*
    FROM unnest(CAST(:ids AS text[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT
            profile_id, revision, external_reference_id, job_template_key, utm_source, utm_medium, utm_campaign,
            utm_content, applied_at, applied_at_raw, language, payload_sha256, raw_sha256, person_key
        FROM ats.application
        WHERE client_id = :client_id AND profile_id = asked.id AND erased_at IS NULL LIMIT 1
    ) AS a
    """
)
_CONTACTS = text(
    """
    SELECT profile_id, first_name, last_name, email, phone, CAST(extra AS text)
    FROM ats.application_contact WHERE client_id = :client_id AND profile_id = ANY(:ids)
    """
)
_ANSWERS = text(
    """
    SELECT profile_id, step_no, question, answer, CAST(answer_json AS text), CAST(extra AS text)
    FROM ats.answer WHERE client_id = :client_id AND profile_id = ANY(:ids)
    ORDER BY profile_id, step_no
    """
)
# What PitchYou says of an erased file is erased, too.
_MEDIA = text(
    """
    SELECT profile_id, media_id, mime_type, file_name, download_uri, state = 'erased'
    FROM ats.media WHERE client_id = :client_id AND profile_id = ANY(:ids)
    """
)
_ATTACHMENTS = text(
    """
    SELECT profile_id, role, step_no, ordinal, media_id
    FROM ats.attachment WHERE client_id = :client_id AND profile_id = ANY(:ids)
    """
)


def differences(
    connection: Connection, client_id: str, profiles: Sequence[Landing], region: str
) -> list[Difference]:
    """Compares each profile with the rows of its application, if that still has the same revision.

    Args:
        region: the country of phone numbers without a country code.
    """
    ids = [profile.profile_id for profile, _ in profiles]
    persons = person_keys(connection, client_id, [profile for profile, _ in profiles], region)
    applications = {
        row.profile_id: row for row in connection.execute(_STORED, {"client_id": client_id, "ids": ids})
    }
    below = _Below(connection, client_id, ids)
    found = []
    for profile, revision in profiles:
        row = applications.get(profile.profile_id)
        if row is None or row.revision != revision:
            continue
        values = application_values(client_id, profile) | {"person_key": persons[profile.profile_id]}
        facts = tuple(name for name in _FACTS if getattr(row, name) != values[name])
        others = tuple(below.differing(profile))
        if facts or others:
            found.append(Difference(profile, revision, values, facts, others))
    return found


class _Below:
    """The rows below some applications, in a form that compares with what a profile gives."""

    def __init__(self, connection: Connection, client_id: str, ids: list[str]) -> None:
        def rows_of(query: TextClause) -> dict[str, list[_Row]]:
            found: dict[str, list[_Row]] = {}
            for profile_id, *row in connection.execute(query, {"client_id": client_id, "ids": ids}):
                found.setdefault(profile_id, []).append(tuple(row))
            return found

        self._contacts, self._answers = rows_of(_CONTACTS), rows_of(_ANSWERS)
        self._media, self._attachments = rows_of(_MEDIA), rows_of(_ATTACHMENTS)

    def differing(self, profile: Profile) -> Iterator[str]:
        """Names what a profile says otherwise."""
        key = profile.profile_id
        [(*names, extra)] = contact_row(profile)
        stored = [(*old, _stored(text)) for *old, text in self._contacts.get(key, ())]
        wanted = (*names, _wanted(extra))
        if len(stored) == 1:
            yield from (
                name for name, old, new in zip(_CONTACT, stored[0], wanted, strict=True) if old != new
            )
        else:
            yield from _CONTACT
        answers = [(*old, _stored(one), _stored(two)) for *old, one, two in self._answers.get(key, ())]
        if answers != [(*new, _wanted(one), _wanted(two)) for *new, one, two in answer_rows(profile)]:
            yield "answers"
        attachments = set(self._attachments.get(key, ()))
        if attachments != set(attachment_rows(profile)) or self._files_differ(profile):
            yield "files"

    def _files_differ(self, profile: Profile) -> bool:
        wanted = {media_id: tuple(said) for media_id, *said in media_rows(profile)}
        stored = {media_id: said for media_id, *said in self._media.get(profile.profile_id, ())}
        return stored.keys() != wanted.keys() or any(
            not is_erased and tuple(said) != wanted[media_id]
            for media_id, (*said, is_erased) in stored.items()
        )


def _number(written: str) -> tuple[Decimal]:
    """Returns a number so that it equals what Postgres shows of it, and differs from `true`."""
    return (Decimal(written),)


_parse = json.JSONDecoder(parse_float=_number, parse_int=_number).decode


def _stored(shown: str | None) -> Any:
    """Returns a JSON value as Postgres shows it, in a form that compares."""
    return None if shown is None else _parse(shown)


def _wanted(value: Json) -> Any:
    """Returns a JSON value of a profile in the same form."""
    return value if value is None or isinstance(value, str) else _parse(encode_json(value))
