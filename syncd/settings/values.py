"""Parses single values: each `Kind` turns the content of a file or a variable into one checked Python value.

A kind raises ValueError. Its text continues a sentence that begins with the key's name; it says what is wrong and what
to write instead. A kind does not know the key, the source or any other value.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

from syncd.shown import quoted

_SIZE = re.compile(
    r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,6})?)\s*(?P<unit>[kmgt]i?b|b|)", re.ASCII | re.IGNORECASE
)
_DURATION = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(?P<unit>ms|s|m|h|d|)", re.ASCII)
_SIZE_UNITS = {"": 1, "b": 1} | {f"{u}b": 1000**n for n, u in enumerate("kmgt", 1)}
_SIZE_UNITS |= {f"{u}ib": 1024**n for n, u in enumerate("kmgt", 1)}
_QUOTES = ("'", '"')
_DURATION_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of value: its name in the documentation, and the function that parses and checks it."""

    name: str
    parse: Callable[[object], object]


def parse_size(value: object) -> int:
    """Parse a size in bytes: a whole number, or a text such as `200MB` (10^6) or `64KiB` (2^10)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f"{quoted(value)} is not a size; write bytes or a number with a unit, such as 200MB or 64KiB"
        )
    return int(float(match["number"]) * _SIZE_UNITS[match["unit"].lower()])


def parse_duration(value: object) -> float:
    """Parse a duration in seconds: a number, or a text such as `30s`, `5m`, `24h` or `7d`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f"{quoted(value)} is not a duration; write seconds or a number with a unit, such as 30s, 5m, 24h or 7d"
        )
    return float(match["number"]) * _DURATION_UNITS[match["unit"]]


def size(low: str, high: str) -> Kind:
    """Accept a size from `low` to `high`."""

    def parse(value: object) -> int:
        number = parse_size(value)
        if not parse_size(low) <= number <= parse_size(high):
            raise ValueError(f"{quoted(value)} is out of range; write {low} to {high}")
        return number

    return Kind(f"size, {low} to {high}", parse)


def duration(low: str, high: str, word: str | None = None) -> Kind:
    """Accept a duration from `low` to `high`. If `word` is given, that word means None."""
    choice = f' or "{word}"' if word else ""

    def parse(value: object) -> float | None:
        if word and value == word:
            return None
        seconds = parse_duration(value)
        if not parse_duration(low) <= seconds <= parse_duration(high):
            raise ValueError(f"{quoted(value)} is out of range; write {low} to {high}{choice}")
        return seconds

    return Kind(f"duration, {low} to {high}{choice}", parse)


def whole_number(low: int, high: int, unlimited: str | None = None) -> Kind:
    """Accept a whole number from `low` to `high`. If `unlimited` is given, that word means no limit (None)."""
    choice = f' or "{unlimited}"' if unlimited else ""

    def parse(value: object) -> int | None:
        if unlimited and value == unlimited:
            return None
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
            raise ValueError(f"{quoted(value)} is not a whole number; write {low} to {high}{choice}")
        if not low <= int(text) <= high:
            raise ValueError(f"{quoted(value)} is out of range; write {low} to {high}{choice}")
        return int(text)

    return Kind(f"whole number, {low} to {high}{choice}", parse)


def rate(high: int, unlimited: str) -> Kind:
    """Accept events per second, above 0 and at most `high`. The word `unlimited` means no limit (None)."""
    expected = f'write a number above 0, at most {high}, or "{unlimited}"'

    def parse(value: object) -> float | None:
        if value == unlimited:
            return None
        try:
            number = (
                float(value)
                if isinstance(value, str | int | float) and not isinstance(value, bool)
                else math.nan
            )
        except (ValueError, OverflowError):
            number = math.nan
        if not 0 < number <= high:
            raise ValueError(f"{quoted(value)} is not a valid rate; {expected}")
        return number

    return Kind(f'number, above 0 to {high} or "{unlimited}"', parse)


def choice(*words: str) -> Kind:
    """Accept one of these words."""

    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(f"{quoted(value)} is not a valid choice; write {one_of(words)}")
        return str(value)

    return Kind(one_of(words), parse)


def text(name: str, pattern: str | re.Pattern[str], expected: str, *, may_be_empty: bool = False) -> Kind:
    """Accept a printable text that matches `pattern`, without blanks or quotes around it. With `may_be_empty`, the empty text means None."""
    compiled = re.compile(pattern)

    def parse(value: object) -> str | None:
        if may_be_empty and value == "":
            return None
        if not isinstance(value, str) or leftover(value) or not compiled.fullmatch(value):
            raise ValueError(f"{quoted(value)} is not valid; write {expected}")
        return value

    return Kind(name, parse)


def path(expected: str, *, may_be_empty: bool = False, secret: bool = False) -> Kind:
    """Accept the path of a file or folder. `Folders` resolves it later, relative to the configuration file.

    With `secret`, errors do not show the value, which may be the secret itself, typed into this key.
    """

    def parse(value: object) -> str | None:
        if may_be_empty and value == "":
            return None
        shown = "the value" if secret else quoted(value)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{shown} is not a valid path; write {expected}")
        if left := leftover(value):
            raise ValueError(f"{shown} {left}; write {expected}, without it")
        if value[0] in "~$" or "://" in value:
            raise ValueError(
                f"{shown} is not a plain path (syncd expands neither '~' nor '$'); write {expected}"
            )
        return value

    return Kind("path", parse)


def leftover(text: str) -> str | None:
    """Describe what a shell, an env file or an editor on Windows has left in a text; None if there is nothing."""
    if not text.isprintable():
        return "contains a line break or another invisible character"
    if text != text.strip():
        return "begins or ends with a blank"
    return "has quotes around it that are part of the text" if in_quotes(text) else None


def in_quotes(text: str) -> bool:
    """Whether the text begins and ends with the same quote."""
    return len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]


def parse_secret(value: object) -> str:
    """Parse a secret text. The errors never show the value."""
    if not isinstance(value, str):
        raise ValueError("is not a text; write the secret between quotes")
    if not value.strip():
        raise ValueError("is empty; write the secret")
    if not value.isprintable():
        raise ValueError("contains a line break or another control character; write the secret on one line")
    return value


def parse_timezone(value: object) -> ZoneInfo:
    """Parse the name of a zone in the IANA database, such as Europe/Berlin."""
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        near = nearest(str(value), available_timezones()) or "Europe/Berlin"
        raise ValueError(
            f'{quoted(value)} is not a known time zone; write "{near}" or another IANA name'
        ) from None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that is most similar to `name`; None if none is similar."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def one_of(words: Sequence[str]) -> str:
    """List the words in quotes: `"a", "b" or "c"`."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
