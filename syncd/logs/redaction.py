"""What may stand in a log line: an allow-list of keys, each with the kind of value it may carry.

The list is the guarantee. A key that is not on it loses its value, whatever that is; a value that does not fit its
key is replaced. The patterns in `scrub` are a second net, for the few keys that carry a sentence of our own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from pathlib import PurePath

from structlog.typing import EventDict, WrappedLogger

LONGEST_VALUE = 300  # characters
MOST_ITEMS = 30
REDACTED = "[redacted]"


def _words(text: str) -> list[str]:
    """The words of a block, which reads better than a column of sixty quoted ones."""
    return text.split()


ID_KEYS = frozenset(
    {"client_id", "profile_id", "media_id", "cycle_id", "quarantine_id", "template_key", "holder", "thread"}
)
"""Keys that name a thing: any text or number."""

NUMBER_KEYS = frozenset(
    _words(
        "applications answers attachments profiles media jobs templates files rows batches batch "
        "batch_size polls clients seen new changed unchanged landed known duplicate duplicates "
        "media_stored media_gone media_rejected confirm_refused http_retries "
        "quarantined resolved stored gone rejected pending missing orphans repaired damaged removed "
        "deleted erased confirmed unconfirmed refused skipped failed cleaned bytes media_bytes size_bytes "
        "limit_bytes expected_bytes calls http_calls retries attempt attempts count total index seconds "
        "wait_seconds retry_after_seconds age_seconds deadline_seconds elapsed_seconds "
        "oldest_unconfirmed_seconds http_status exit_code status_code revision fence pid port step_no "
        "dry_run first_cycle signal_number listed unreadable returned "
    )
)
"""Keys that count or measure: numbers and booleans alone."""

WORD_KEYS = frozenset(
    _words(
        "logger_name library source stage state outcome trigger status method endpoint role "
        "kind mode signal job sqlstate constraint error error_class database_revision code_revision "
        "schema_revision version schedule timezone setting command key table mime_type "
    )
)
"""Keys that carry one word of a technical language: no blanks, so no sentence, name or answer."""

TIME_KEYS = frozenset(
    {"next_run_at", "expires_at", "retry_at", "started_at", "oldest_unconfirmed_at", "until"}
)
"""Keys that carry a point in time: a datetime and nothing else."""

TEXT_KEYS = frozenset({"reason", "error_message", "error_frames", "remedy", "warning", "path", "address"})
"""Keys that carry a sentence of syncd's own source, a path or an address: scrubbed, escaped and cut."""

ALLOWED_KEYS = ID_KEYS | NUMBER_KEYS | WORD_KEYS | TIME_KEYS | TEXT_KEYS
"""Every key that a caller may put into an event."""

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
    """The structlog processor that lets only known keys with fitting values through, and names the keys it dropped."""
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
        kept["event"] = "unnamed_event"  # an event is a fixed name; a formatted sentence may hold anything
    if dropped:
        kept["dropped_keys"] = sorted(set(dropped))[:MOST_ITEMS]
    return kept


def scrub(text: str) -> str:
    """A text of our own as a log may carry it: no credential, URL query, mail address or phone number, on one line."""
    text = text[: LONGEST_VALUE * 10]
    for pattern, replacement in _SCRUBBED:
        text = pattern.sub(replacement, text)
    return _one_line(text)


def _one_line(text: str) -> str:
    """Escape whatever could end the line, move the cursor or reverse the reading direction, and cut."""
    text = text[: LONGEST_VALUE + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


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


def _id(value: object) -> object:
    return (
        scrub(value) if isinstance(value, str) else scrub(str(value)) if _is_uuid(value) else _number(value)
    )


def _word(value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return scrub(value) if _WORD.fullmatch(value) else REDACTED
    return _number(value)


def _time(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else REDACTED


def _text(value: object) -> object:
    if isinstance(value, PurePath):
        value = str(value)
    return scrub(value) if isinstance(value, str) else _number(value)


def _is_uuid(value: object) -> bool:
    return type(value).__name__ == "UUID" and type(value).__module__ == "uuid"


_FITTING: Mapping[str, Callable[[object], object]] = {
    **dict.fromkeys(ID_KEYS, _id),
    **dict.fromkeys(NUMBER_KEYS, _number),
    **dict.fromkeys(WORD_KEYS, _word),
    **dict.fromkeys(TIME_KEYS, _time),
    **dict.fromkeys(TEXT_KEYS, _text),
}
