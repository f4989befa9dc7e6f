"""Decides what a log line may contain: an allow-list of keys, each with a kind of value.

The list is the guarantee. `redact` drops every key that is not on it, and replaces a value that does not fit its key.
`scrub` is a second safeguard for the few keys whose value is a sentence of syncd's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from structlog.typing import EventDict, WrappedLogger

from syncd.shown import printable, shortened

# Characters.
LONGEST_VALUE = 300
MOST_ITEMS = 30
REDACTED = "[redacted]"


ID_KEYS = frozenset({"client_id", "profile_id", "media_id", "cycle_id", "thread"})
"""Keys that name a thing. Their values are texts or numbers."""

NUMBER_KEYS = frozenset(
    {
        "aborted",
        "changed",
        "clients",
        "confirm_refused",
        "confirmed",
        "cycles",
        "failed",
        "http_calls",
        "http_retries",
        "listed",
        "media_bytes",
        "media_gone",
        "media_rejected",
        "media_stored",
        "new",
        "ok",
        "partial",
        "port",
        "quarantined",
        "removed",
        "returned",
        "seconds",
        "seen",
        "unchanged",
        "unreadable",
    }
)
"""Keys that count or measure. Their values are numbers or booleans."""

WORD_KEYS = frozenset({"constraint", "error", "library", "logger_name", "outcome", "source", "sqlstate"})
"""Keys with one technical word. A word contains no blanks, so it cannot be a sentence, a name or an answer."""

TEXT_KEYS = frozenset({"error_frames", "error_message", "reason", "warning"})
"""Keys with a sentence from syncd's own source, or with names of fields. Their values are scrubbed, escaped and cut."""

ALLOWED_KEYS = ID_KEYS | NUMBER_KEYS | WORD_KEYS | TEXT_KEYS
"""Every key that a caller may put into an event. A test proves that these are exactly the keys that syncd logs."""

_OWN_KEYS = ("timestamp", "level", "event")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_WORD = re.compile(r"[A-Za-z0-9_.,:;/+*%<>\[\]=-]{1,120}")
_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")

_SCRUBBED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;\"']+"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]+(\.[\w-]*){1,2}"), REDACTED),
    (re.compile(r"(?i)(https?://[^\s/]*\bchat\b[^\s/]*/)[^\s\"'?#]+"), rf"\1{REDACTED}"),
    (re.compile(r"(://)[^\s/@\"']+@"), rf"\1{REDACTED}@"),
    (re.compile(r"((?:://|^/|\s/)[^\s?#\"']*)[?#][^\s\"']*"), rf"\1?{REDACTED}"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|secret|password|passwd|authorization|api_?key))([\"']?\s*[=:]\s*)[^\s,;&]+"
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), REDACTED),
    (re.compile(r"\+\d[\d ()/-]{6,}\d"), REDACTED),
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep only known keys with fitting values, and name the dropped keys. A structlog processor."""
    kept: EventDict = {key: event[key] for key in _OWN_KEYS if key in event}
    dropped: list[str] = []
    for key, value in event.items():
        if key in _OWN_KEYS:
            continue
        if value is None and key in ALLOWED_KEYS:
            kept[key] = None
        elif (fit := _FITTING.get(key)) is not None:
            kept[key] = _each(fit, value)
        else:
            dropped.append(key if _KEY_NAME.fullmatch(key) else "?")
    if not (isinstance(kept.get("event"), str) and _EVENT.fullmatch(kept["event"])):
        # An event is a fixed name. A formatted sentence may contain anything.
        kept["event"] = "unnamed_event"
    if dropped:
        kept["dropped_keys"] = sorted(set(dropped))[:MOST_ITEMS]
    return kept


def scrub(text: str) -> str:
    """Remove credentials, URL queries, mail addresses and phone numbers, escape control characters, and cut the text."""
    text = text[: LONGEST_VALUE * 10]
    for pattern, replacement in _SCRUBBED:
        text = pattern.sub(replacement, text)
    return shortened(printable(text[: LONGEST_VALUE + 1]), LONGEST_VALUE)


def _each(fit: Callable[[object], object], value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return [fit(item) for item in list(value)[:MOST_ITEMS]]
    return fit(value)


def _number(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    return REDACTED


def _word(value: object) -> object:
    if isinstance(value, str):
        return scrub(value) if _WORD.fullmatch(value) else REDACTED
    return _number(value)


def _text(value: object) -> object:
    return scrub(value) if isinstance(value, str) else _number(value)


_FITTING: Mapping[str, Callable[[object], object]] = {
    **dict.fromkeys(ID_KEYS, _text),
    **dict.fromkeys(NUMBER_KEYS, _number),
    **dict.fromkeys(WORD_KEYS, _word),
    **dict.fromkeys(TEXT_KEYS, _text),
}
