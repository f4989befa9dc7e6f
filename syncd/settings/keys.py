"""Every key of the configuration, in one table: file, environment, documentation and example are checked against it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from zoneinfo import ZoneInfo, available_timezones

from syncd.settings.addresses import (
    parse_apply_url,
    parse_asset_url,
    parse_base_url,
    parse_bind,
    parse_database_url,
)
from syncd.settings.schedule import parse_schedule
from syncd.settings.sections import DEFAULT_FIELDS
from syncd.settings.values import (
    Kind,
    choice,
    duration,
    parse_secret,
    path,
    rate,
    shown,
    size,
    text,
    whole_number,
)

_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LANGUAGE = r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
_DOTTED_PATH = r"[^.\s]+(?:\.[^.\s]+)*"


def parse_timezone(value: object) -> ZoneInfo:
    """A zone of the IANA database, such as Europe/Berlin."""
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        near = nearest(str(value), available_timezones()) or "Europe/Berlin"
        raise ValueError(
            f'{shown(value)} is not a known time zone; write "{near}" or another IANA name'
        ) from None


_SECRET = Kind("text", parse_secret)
_SECRET_FILE = path("the name of a file that holds the secret alone")

KEYS: dict[str, Kind] = {
    "database.url": Kind("URL", parse_database_url),
    "database.password": _SECRET,
    "database.password_file": _SECRET_FILE,
    "media.root": path("a folder, such as /var/lib/syncd/media"),
    "media.max_bytes": size("1KB", "100GB"),
    "media.concurrency": whole_number(1, 64),
    "sync.batch_size": whole_number(1, 10_000),
    "sync.cycle_deadline": duration("1s", "7d"),
    "sync.max_response_bytes": size("1KB", "100GB"),
    "sync.media_gone_after": duration("0s", "365d"),
    "sync.media_retry": duration("10ms", "1h"),
    "sync.lease_ttl": duration("1s", "1h"),
    "sync.max_polls_per_cycle": whole_number(1, 1000),
    "sync.confirm_batch": whole_number(1, 10_000),
    "log.format": choice("json", "console"),
    "log.level": choice("debug", "info", "warning", "error"),
    "web.bind": Kind("HOST:PORT or empty", parse_bind),
    "web.token_file": path('the name of a file that holds the token alone, or ""', may_be_empty=True),
    "clients.client_id": text(
        "DNS label",
        _DNS_LABEL,
        "the client_id that PitchYou gave you: 1 to 63 lower-case letters, digits and hyphens, "
        "since it becomes the host name CLIENT_ID.pitchyou.de",
    ),
    "clients.client_secret": _SECRET,
    "clients.client_secret_file": _SECRET_FILE,
    "clients.base_url": Kind("URL", parse_base_url),
    "clients.apply_url": Kind("URL", parse_apply_url),
    "clients.chat_url": Kind("URL", parse_base_url),
    "clients.chat_widget_css": Kind("URL or empty", parse_asset_url),
    "clients.chat_widget_js": Kind("URL or empty", parse_asset_url),
    "clients.schedule": Kind("schedule", parse_schedule),
    "clients.timezone": Kind("time zone", parse_timezone),
    "clients.retention_days": whole_number(1, 36_500, unlimited="never"),
    "clients.raw_retention_days": whole_number(1, 36_500, unlimited="never"),
    "clients.label": text(
        "text", r".{1,200}", "a short name for people, at most 200 characters", may_be_empty=True
    ),
    "clients.token_auth": choice("post", "basic"),
    "clients.token_format": choice("form", "json"),
    "clients.confirm_wrapper": text(
        "text",
        r"\S{1,100}",
        'the key that wraps the array of ids, such as "profileIds", or ""',
        may_be_empty=True,
    ),
    "clients.chat_format": choice("json", "form"),
    "clients.max_requests_per_second": rate(10_000, unlimited="unlimited"),
    "clients.ca_file": path('the name of a file with CA certificates in PEM, or ""', may_be_empty=True),
    "clients.preferred_language": text("language", _LANGUAGE, 'a language tag, such as "de" or "en"'),
    **{
        f"clients.fields.{name}": text(
            "dotted path", _DOTTED_PATH, f'the place in the payload as a dotted path, such as "{default}"'
        )
        for name, default in DEFAULT_FIELDS.items()
    },
}

SECRET_KEYS = frozenset(key for key, kind in KEYS.items() if kind is _SECRET)
"""Keys whose value is a secret; each may be given as `KEY_file` instead."""

SECTIONS = ("database", "media", "sync", "log", "web")
"""The tables of the file that are there once; `[[clients]]` may be there many times."""


def variables(key: str) -> tuple[str, ...]:
    """The environment variables that set a key; a client's key has the short form for the only client, and one by number."""
    levels = key.upper().split(".")
    if levels[0] != "CLIENTS":
        return ("SYNCD_" + "__".join(levels),)
    rest = "__".join(levels[1:])
    return (f"SYNCD_{rest}", f"SYNCD_CLIENTS__0__{rest}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant, or None when none is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(key: str) -> str:
    """What to write for an unknown dotted key: the nearest of its own table, else of all, else the table's keys."""
    table, _, name = key.rpartition(".")
    prefix = f"{table}." if table else ""
    siblings = [known[len(prefix) :] for known in KEYS if re.fullmatch(re.escape(prefix) + r"[a-z_]+", known)]
    if near := nearest(name, siblings):
        return f"did you mean {prefix}{near}?"
    by_name = {known.rpartition(".")[2]: known for known in reversed(KEYS)}
    if near := nearest(name, by_name):
        return f"did you mean {by_name[near]}?"
    return f"known here: {', '.join(siblings or (*SECTIONS, 'clients'))}"
