"""Parses JSON strictly, cleans it for Postgres, and makes it readable."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, NoReturn

from syncd.model import Json


class Unreadable(Exception):
    """Says why an element of the list cannot be parsed. Never leaves this package."""


class _Number(float):
    """A number with a fraction or an exponent, and its text: `2500.50` and `1e3` are shown as they were sent."""

    __slots__ = ("text",)
    text: str


# Matches only the first key of the element. Anywhere else, the id may belong to another profile that this one mentions.
_PROFILE_ID = re.compile(rb'\s*\{\s*("profileId"\s*:\s*(?:"(?:[^"\\]|\\.){1,600}"|-?\d{1,600}(?=[\s,}])))')


_PLAIN_ID = re.compile(rb'"profileId"\s*:\s*("?[!#-\[\]-~]{1,512}"?)\s*[,}]')


class Noted(NamedTuple):
    """The objects that `decode` has met anywhere in a value: those with a `downloadUri`, and those with a `mediaId`."""

    signed: list[dict[str, Json]]
    files: list[dict[str, Json]]


def decode(payload: bytes, noted: Noted | None = None) -> Json:
    """Decode JSON. Raise `Unreadable` for anything that only some parsers accept.

    Args:
        noted: collects objects of interest.
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_object if noted is None else partial(_object, noted=noted),
        parse_constant=_refuse_constant,
        parse_float=_finite,
    )
    try:
        return decoder.decode(payload.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
    # Python also raises this for an integer of more than 4,300 digits.
    except ValueError:
        raise Unreadable("not valid JSON") from None
    except RecursionError:
        raise Unreadable("nested too deeply") from None


def digest(value: Json, signed: Sequence[dict[str, Json]]) -> bytes:
    """Return the SHA-256 of a profile's content. Key order, whitespace and escapes do not change it.

    `downloadUri` does not count, since such addresses often contain a signature that is new in each response.

    Args:
        signed: the objects in `value` that contain a `downloadUri`, as `decode` found them.
    """
    uris = [holder.pop("downloadUri") for holder in signed]
    canonical = _CANONICAL.encode(value)
    for holder, uri in zip(signed, uris, strict=True):
        holder["downloadUri"] = uri
    return hashlib.sha256(canonical.encode("ascii")).digest()


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def rough_digest(payload: bytes) -> bytes:
    """Return the SHA-256 of what cannot be decoded, without the addresses that may be new in each response."""
    return hashlib.sha256(_DOWNLOAD_URI.sub(b"", payload)).digest()


_DOWNLOAD_URI = re.compile(rb'"downloadUri"\s*:\s*"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def decode_leniently(payload: bytes) -> Json:
    """Decode what is possible of an element that is invalid or incomplete JSON, to find its profileId.

    In doubt, return no id: a wrong one would block another profile, and be resolved together with it.
    """
    whole = _loads_leniently(payload)
    return first_id(payload) if whole is None else whole


def first_id(payload: bytes) -> Json:
    """Return an object with nothing but the profileId, if that is the first key of the element and the only profileId."""
    if payload.count(b'"profileId"') == 1 and (found := _PROFILE_ID.match(payload)):
        return _loads_leniently(b"{" + found.group(1) + b"}")
    return None


def presumed_id(payload: bytes) -> str | None:
    """Find the likely profileId, as JSON text, without decoding. It is correct unless an inner object has one as well."""
    found = _PLAIN_ID.search(payload)
    return found.group(1).decode("ascii") if found else None


def _loads_leniently(payload: bytes) -> Json:
    try:
        return json.loads(
            # No id is accepted with the surrogates that stand for invalid UTF-8.
            payload.decode("utf-8", "surrogateescape"),
            strict=False,
            object_pairs_hook=_without_doubtful_id,
            parse_int=lambda digits: int(digits) if len(digits) < 1000 else None,
        )
    except (ValueError, RecursionError):
        return None


def _without_doubtful_id(pairs: list[tuple[str, Json]]) -> Json:
    result = dict(pairs)
    if [key for key, _ in pairs].count("profileId") > 1:
        del result["profileId"]
    return result


def _object(pairs: list[tuple[str, Json]], noted: Noted | None = None) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Unreadable("an object has the same key twice")
    if noted is not None:
        if "downloadUri" in result:
            noted.signed.append(result)
        if "mediaId" in result:
            noted.files.append(result)
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = _Number(text)
    number.text = text
    if math.isinf(number):
        raise Unreadable("a number is too large")
    return number


def as_text(value: Json) -> str | None:
    """Return a readable form of any JSON value: lists of scalars joined by commas, objects as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return ", ".join(as_text(item) or "" for item in value)
    return _compact(value)


def _compact(value: Json) -> str:
    """Return compact JSON with every number as it was sent."""
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, list):
        return f"[{','.join(map(_compact, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(key)}:{_compact(child)}" for key, child in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def take(rest: dict[str, Json], path: str) -> str | None:
    """Remove the value at a dotted path and return it as text. Leave an object or array where it is."""
    value = _look_up(rest, path) if "." in path else rest.get(path)
    if value is None or isinstance(value, dict | list):
        return None
    return as_text(take_any(rest, path)) or None


def take_any(rest: dict[str, Json], path: str) -> Json:
    """Remove the value at a dotted path and return it, or return None if it is missing."""
    if "." not in path:
        return rest.pop(path, None)
    *parents, last = path.split(".")
    holder = _look_up(rest, ".".join(parents)) if parents else rest
    return holder.pop(last, None) if isinstance(holder, dict) else None


def _look_up(value: Json, path: str) -> Json:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def is_clean(payload: bytes) -> bool:
    """Whether no text in this JSON needs `clean`. Only an escape can produce a NUL or a lone surrogate."""
    return not _UNCLEAN.search(payload)


_UNCLEAN = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def clean(text: str) -> str:
    """Replace with U+FFFD what Postgres cannot store in text: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "�")


def cleaned(value: Json) -> Json:
    """Return the value with every text in it cleaned, including keys."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): cleaned(child) for key, child in value.items()}
    if isinstance(value, list):
        return [cleaned(child) for child in value]
    return value
