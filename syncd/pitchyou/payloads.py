"""PitchYou's ProfileDto (S2.1) read into our own types. The only module that knows PitchYou's spelling.

What Postgres cannot hold in text (NUL, lone surrogates) becomes U+FFFD. What cannot be an application at all
becomes a `BadProfile` with a reason that names fields, never values.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NoReturn
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
from syncd.pitchyou.spool import Element

MAX_ID_BYTES = 512  # of profileId and mediaId: three of them must fit an index entry of Postgres
MAX_REFERENCE_BYTES = 1024  # of externalReferenceId

_TEXT_KEYS = (
    "externalReferenceId",
    "jobTemplateKey",
    "utmSource",
    "utmMedium",
    "utmCampaign",
    "utmContent",
)
_KNOWN_KEYS = frozenset({"profileId", "steps", "cv", "profileImage", *_TEXT_KEYS})


class _Unreadable(Exception):
    """Why this element cannot be an application. Never leaves this module."""


def read_profile(element: Element, fields: FieldMap, timezone: ZoneInfo) -> Profile | BadProfile:
    """Read one element of the list.

    Args:
        fields: where the payload keeps what the article does not name.
        timezone: of times without an offset.
    """
    value: Json = None
    fingerprint = b""
    try:
        if element.trouble:
            raise _Unreadable(element.trouble)
        value = _decode(element.payload)
        fingerprint = digest(value)
        if not isinstance(value, dict):
            raise _Unreadable("not an object")
        return _profile(value, element.payload, fingerprint, fields, timezone)
    except _Unreadable as error:
        if value is None and not element.trouble:
            value = _decode_leniently(element.payload)
        return BadProfile(
            profile_id=_presentable_id(value),
            reason=str(error),
            fingerprint=fingerprint or hashlib.sha256(element.payload).digest(),
            payload=element.payload,
        )


def digest(value: Json) -> bytes:
    """SHA-256 of what a profile means: the same under another key order, other whitespace or other escapes.

    `downloadUri` does not count, since such addresses often carry a signature that is new in every answer.
    """
    removed = [(holder, holder.pop("downloadUri")) for holder in _holders_of_uris(value)]
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    for holder, uri in removed:
        holder["downloadUri"] = uri
    return hashlib.sha256(canonical.encode("ascii")).digest()


def _holders_of_uris(value: Json) -> Iterator[dict[str, Json]]:
    if isinstance(value, dict):
        if "downloadUri" in value:
            yield value
        for child in value.values():
            yield from _holders_of_uris(child)
    elif isinstance(value, list):
        for child in value:
            yield from _holders_of_uris(child)


def _decode(payload: bytes) -> Json:
    try:
        return json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise _Unreadable("not UTF-8") from None
    except ValueError:  # also an integer of more than 4,300 digits
        raise _Unreadable("not valid JSON") from None


def _decode_leniently(payload: bytes) -> Json:
    """What can be made out of an element that is not sound JSON: enough to tell whose it is."""
    try:
        return json.loads(
            payload.decode("utf-8", "replace"),
            strict=False,
            parse_int=lambda digits: int(digits) if len(digits) < 1000 else None,
        )
    except ValueError:
        return None


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Unreadable("an object has the same key twice")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise _Unreadable(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Unreadable("a number is too large")
    return number


def _profile(
    value: dict[str, Json], payload: bytes, fingerprint: bytes, fields: FieldMap, timezone: ZoneInfo
) -> Profile:
    wire_id = value.get("profileId")
    profile_id = _identifier(wire_id, "profileId")
    known = {
        key: _text(value.get(key), key) for key in _KNOWN_KEYS - {"profileId", "steps", "cv", "profileImage"}
    }
    reference = known["externalReferenceId"]
    if reference is not None and len(reference.encode()) > MAX_REFERENCE_BYTES:
        raise _Unreadable(f"externalReferenceId is longer than {MAX_REFERENCE_BYTES} bytes")
    answers, media, attachments = _steps(value.get("steps"), fields)
    for role, key in ((Role.CV, "cv"), (Role.PROFILE_IMAGE, "profileImage")):
        _add_media(value.get(key), key, role, NO_STEP, media, attachments)

    rest = _cleaned({key: child for key, child in value.items() if key not in _KNOWN_KEYS})
    applied_at_raw = _take(rest, fields.applied_at)
    language = _take(rest, fields.language)
    contact = Contact(
        first_name=_take(rest, fields.first_name),
        last_name=_take(rest, fields.last_name),
        email=_take(rest, fields.email),
        phone=_take(rest, fields.phone),
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
        applied_at=_moment(applied_at_raw, timezone),
        applied_at_raw=applied_at_raw,
        language=language,
        contact=contact,
        answers=answers,
        media=tuple(media.values()),
        attachments=tuple(attachments),
        payload=payload,
        payload_sha256=fingerprint,
    )


def _steps(
    steps: Json, fields: FieldMap
) -> tuple[tuple[Answer, ...], dict[str, MediaFile], list[Attachment]]:
    answers: list[Answer] = []
    media: dict[str, MediaFile] = {}
    attachments: list[Attachment] = []
    if steps is None:
        steps = []
    if not isinstance(steps, list):
        raise _Unreadable("steps is not an array")
    for step_no, step in enumerate(steps):
        if not isinstance(step, dict):
            raise _Unreadable(f"steps[{step_no}] is not an object")
        files = step.get("attachments")
        _add_media(files, f"steps[{step_no}].attachments", Role.STEP, step_no, media, attachments)
        rest = _cleaned({key: child for key, child in step.items() if key != "attachments"})
        question = _as_text(_take_any(rest, fields.question))
        answer = _take_any(rest, fields.answer)
        answers.append(Answer(step_no, question, _as_text(answer), answer, rest))
    return tuple(answers), media, attachments


def _add_media(
    value: Json,
    where: str,
    role: Role,
    step_no: int,
    media: dict[str, MediaFile],
    attachments: list[Attachment],
) -> None:
    """Object, array and null are all accepted; an entry without any content is the placeholder some ATS ask for."""
    entries = value if isinstance(value, list) else [value]
    ordinal = 0
    for entry in entries:
        if entry is None:
            continue
        if not isinstance(entry, dict):
            raise _Unreadable(f"{where} is neither an object nor an array of objects")
        if not any(child not in (None, "") for child in entry.values()):
            continue
        media_id = _identifier(entry.get("mediaId"), f"mediaId in {where}")
        media.setdefault(
            media_id,
            MediaFile(
                media_id,
                _text(entry.get("mimeType"), f"mimeType in {where}"),
                _text(entry.get("fileName"), f"fileName in {where}"),
                _text(entry.get("downloadUri"), f"downloadUri in {where}"),
            ),
        )
        attachments.append(Attachment(role, step_no, ordinal, media_id))
        ordinal += 1


def _identifier(value: Json, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise _Unreadable(f"{name} is missing or neither a string nor an integer")
    text = str(value)
    if _clean(text) != text:
        raise _Unreadable(f"{name} holds a NUL or a lone surrogate")
    if len(text.encode()) > MAX_ID_BYTES:
        raise _Unreadable(f"{name} is longer than {MAX_ID_BYTES} bytes")
    return text


def _presentable_id(value: Json) -> str | None:
    """The profileId of a bad profile, if there is one that can be trusted."""
    try:
        identifier = _identifier(value.get("profileId") if isinstance(value, dict) else None, "profileId")
    except _Unreadable:
        return None
    return None if "\ufffd" in identifier else identifier


def _text(value: Json, name: str) -> str | None:
    """A field of the article: text or a scalar; an empty one counts as absent."""
    if isinstance(value, dict | list):
        raise _Unreadable(f"{name} is not a string")
    return _as_text(_cleaned(value)) or None


def _as_text(value: Json) -> str | None:
    """The readable form of any JSON value: lists of scalars joined by commas, objects as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return ", ".join(_as_text(item) or "" for item in value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _take(rest: dict[str, Json], path: str) -> str | None:
    """Remove the value at a dotted path and return it as text; one that is no scalar stays where it is."""
    value = _look_up(rest, path)
    if value is None or isinstance(value, dict | list):
        return None
    return _as_text(_take_any(rest, path)) or None


def _take_any(rest: dict[str, Json], path: str) -> Json:
    *parents, last = path.split(".")
    holder = _look_up(rest, ".".join(parents)) if parents else rest
    return holder.pop(last, None) if isinstance(holder, dict) else None


def _look_up(value: Json, path: str) -> Json:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _moment(text: str | None, timezone: ZoneInfo) -> datetime | None:
    """ISO 8601, or None where it cannot be read; the raw text is kept beside it."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _clean(text: str) -> str:
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "�")


def _cleaned(value: Json) -> Json:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(key): _cleaned(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_cleaned(child) for child in value]
    return value
