"""Parses PitchYou's ProfileDto (S2.1) into our own types. Only this module knows PitchYou's names of its fields.

What Postgres cannot store in text (NUL, lone surrogates) becomes U+FFFD. An element that cannot be parsed becomes a
`BadProfile`, whose reason names fields but never values.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from syncd.model import (
    NO_STEP,
    Answer,
    Attachment,
    BadProfile,
    Contact,
    FieldMap,
    Json,
    MediaFile,
    Profile,
    Role,
)
from syncd.pitchyou.budget import MAX_FILES, MAX_STEPS, is_small
from syncd.pitchyou.json_values import (
    Noted,
    Unreadable,
    as_text,
    clean,
    cleaned,
    decode,
    decode_leniently,
    digest,
    first_id,
    is_clean,
    rough_digest,
    take,
    take_any,
)
from syncd.pitchyou.spool import Element
from syncd.pitchyou.times import applied_at

# For profileId and mediaId: three of them must fit into one index entry of Postgres.
MAX_ID_BYTES = 512
# For externalReferenceId, which is part of an index too. Visitors can type a longer one into an apply link.
MAX_REFERENCE_BYTES = 1024

_TEXT_KEYS = (
    "externalReferenceId",
    "jobTemplateKey",
    "utmSource",
    "utmMedium",
    "utmCampaign",
    "utmContent",
)
KNOWN_KEYS = frozenset({"profileId", "steps", "cv", "profileImage", *_TEXT_KEYS})
_FILE_KEYS = frozenset({"mediaId", "mimeType", "fileName", "downloadUri"})
_INDEX = re.compile(r"\[\d+\]")


def read_profile(
    element: Element, fields: FieldMap, timezone: ZoneInfo, received_at: datetime | None = None
) -> Profile | BadProfile:
    """Parse one element of the list.

    Args:
        fields: where the payload keeps the values that the article does not name.
        timezone: applies to times without an offset.
        received_at: when the element came, if that was not just now.
    """
    value: Json = None
    fingerprint = b""
    noted = Noted([], [])
    try:
        if element.trouble:
            raise Unreadable(element.trouble)
        value = decode(element.payload, noted)
        fingerprint = digest(value, noted.signed)
        if not isinstance(value, dict):
            raise Unreadable("not an object")
        reading = _Reading(
            fields,
            timezone,
            received_at or datetime.now(UTC),
            noted.files,
            _as_it_is if is_clean(element.payload) else cleaned,
            [],
        )
        return _profile(value, element.payload, fingerprint, reading)
    except Unreadable as error:
        if value is None:
            value = (
                decode_leniently(element.payload) if is_small(element.payload) else first_id(element.payload)
            )
        return BadProfile(
            profile_id=_presentable_id(value),
            reason=str(error),
            fingerprint=fingerprint or rough_digest(element.payload),
            payload=element.payload,
        )


class _Reading(NamedTuple):
    """How to parse one profile, and all objects in it that have a `mediaId`.

    `clean` is `cleaned`, or returns its argument if no text needs cleaning. `file_extras` collects what media entries
    hold besides the fields of the article.
    """

    fields: FieldMap
    timezone: ZoneInfo
    received_at: datetime
    files: list[dict[str, Json]]
    clean: Callable[[Json], Json]
    file_extras: list[tuple[str, dict[str, Json]]]


def _as_it_is(value: Json) -> Json:
    return value


def _profile(value: dict[str, Json], payload: bytes, fingerprint: bytes, reading: _Reading) -> Profile:
    fields = reading.fields
    wire_id = value.get("profileId")
    profile_id = identifier(wire_id, "profileId")
    known = {key: _text(value.get(key), key, reading) for key in _TEXT_KEYS}
    answers, media, attachments = _steps(value.get("steps"), reading)
    for role, key in ((Role.CV, "cv"), (Role.PROFILE_IMAGE, "profileImage")):
        _add_media(value.get(key), key, role, NO_STEP, media, attachments, reading)
    # A file at a place that the article does not name is as much a part of the application. See ADR 19.
    others = [
        _described(file)
        for file in reading.files
        if file["mediaId"] not in (None, "") and str(file["mediaId"]) not in media
    ]
    _add_media(others, "a field that syncd does not know", Role.OTHER, NO_STEP, media, attachments, reading)
    if len(attachments) > MAX_FILES:
        raise Unreadable(f"more than {MAX_FILES} files")

    rest = reading.clean({key: child for key, child in value.items() if key not in KNOWN_KEYS})
    reference = known["externalReferenceId"]
    if reference is not None and len(reference.encode()) > MAX_REFERENCE_BYTES:
        rest["externalReferenceId"] = reference
        reference = reference.encode()[:MAX_REFERENCE_BYTES].decode(errors="ignore")
    applied_at_raw = take(rest, fields.applied_at)
    language = take(rest, fields.language)
    contact = Contact(
        first_name=take(rest, fields.first_name),
        last_name=take(rest, fields.last_name),
        email=take(rest, fields.email),
        phone=take(rest, fields.phone),
        extra=rest,
    )
    return Profile(
        profile_id=profile_id,
        wire_id=json.dumps(wire_id),
        external_reference_id=reference,
        job_template_key=known["jobTemplateKey"],
        utm_source=known["utmSource"],
        utm_medium=known["utmMedium"],
        utm_campaign=known["utmCampaign"],
        utm_content=known["utmContent"],
        applied_at=applied_at(applied_at_raw, reading.timezone, reading.received_at),
        applied_at_raw=applied_at_raw,
        language=language,
        contact=contact,
        answers=answers,
        media=tuple(media.values()),
        attachments=tuple(attachments),
        payload=payload,
        payload_sha256=fingerprint,
        raw_sha256=hashlib.sha256(payload).digest(),
        file_extras=tuple(reading.file_extras),
    )


def _steps(
    steps: Json, reading: _Reading
) -> tuple[tuple[Answer, ...], dict[str, MediaFile], list[Attachment]]:
    answers: list[Answer] = []
    media: dict[str, MediaFile] = {}
    attachments: list[Attachment] = []
    if steps is None:
        steps = []
    if not isinstance(steps, list):
        raise Unreadable("steps is not an array")
    if len(steps) > MAX_STEPS:
        raise Unreadable(f"more than {MAX_STEPS} steps")
    for step_no, step in enumerate(steps):
        if not isinstance(step, dict):
            raise Unreadable(f"steps[{step_no}] is not an object")
        files = step.get("attachments")
        if files not in (None, []):
            where = f"steps[{step_no}].attachments"
            _add_media(files, where, Role.STEP, step_no, media, attachments, reading)
        rest = reading.clean({key: child for key, child in step.items() if key != "attachments"})
        question = as_text(take_any(rest, reading.fields.question))
        answer = take_any(rest, reading.fields.answer)
        answers.append(Answer(step_no, question, as_text(answer), answer, rest))
    return tuple(answers), media, attachments


def _add_media(
    value: Json,
    where: str,
    role: Role,
    step_no: int,
    media: dict[str, MediaFile],
    attachments: list[Attachment],
    reading: _Reading,
) -> None:
    """Add the files at one place, which may be an object, an array or null. Skip empty entries: they are placeholders."""
    entries = value if isinstance(value, list) else [value]
    ordinal = 0
    for entry in entries:
        if entry is None:
            continue
        if not isinstance(entry, dict):
            raise Unreadable(f"{where} is neither an object nor an array of objects")
        if not any(child not in (None, "") for child in entry.values()):
            continue
        media_id = identifier(entry.get("mediaId"), f"mediaId in {where}")
        media.setdefault(
            media_id,
            MediaFile(
                media_id,
                _text(entry.get("mimeType"), f"mimeType in {where}", reading),
                _text(entry.get("fileName"), f"fileName in {where}", reading),
                _text(entry.get("downloadUri"), f"downloadUri in {where}", reading),
            ),
        )
        attachments.append(Attachment(role, step_no, ordinal, media_id))
        ordinal += 1
        if unknown := entry.keys() - _FILE_KEYS:
            place = f"$.{_INDEX.sub('[*]', where)}{'[*]' if isinstance(value, list) else ''}"
            reading.file_extras.append((place, {key: entry[key] for key in unknown}))


def _described(file: dict[str, Json]) -> dict[str, Json]:
    """Return what a media entry says of its file. Nobody knows what else such an object may hold."""
    keys = ("mimeType", "fileName", "downloadUri")
    described = {key: file.get(key) for key in keys if not isinstance(file.get(key), dict | list)}
    return {"mediaId": file["mediaId"], **described}


def identifier(value: Json, name: str) -> str:
    """Return an id as text. Raise `Unreadable` unless it is an integer, or a string that Postgres can store and index."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise Unreadable(f"{name} is missing or neither a string nor an integer")
    text = str(value)
    if clean(text) != text:
        raise Unreadable(f"{name} holds a NUL or a lone surrogate")
    if len(text.encode()) > MAX_ID_BYTES:
        raise Unreadable(f"{name} is longer than {MAX_ID_BYTES} bytes")
    return text


def _presentable_id(value: Json) -> str | None:
    """Return the profileId of a bad profile, if it has a valid one."""
    try:
        return identifier(value.get("profileId") if isinstance(value, dict) else None, "profileId")
    except Unreadable:
        return None


def _text(value: Json, name: str, reading: _Reading) -> str | None:
    """Return a field of the article as text. It may be any scalar; an empty one counts as missing."""
    if isinstance(value, dict | list):
        raise Unreadable(f"{name} is not a string")
    return as_text(reading.clean(value)) or None
