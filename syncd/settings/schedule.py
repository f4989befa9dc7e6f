"""Parses when a client is synced: `every 60s`, or a cron line with the meaning of cron(5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.settings.values import parse_duration
from syncd.shown import quoted

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_ITEM = re.compile(r"(?P<first>\*|[0-9a-z]+)(?:-(?P<last>[0-9a-z]+))?(?:/(?P<step>[0-9]{1,3}))?", re.ASCII)
_EXAMPLES = 'write "every 60s", "every 5m" or a cron line such as "*/10 6-20 * * mon-fri"'


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five columns of a cron line: its name, its range, and the names of its numbers."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of the week", 0, 7, _WEEKDAYS)


@dataclass(frozen=True, slots=True)
class Every:
    """A cycle starts every `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cron:
    """A cycle starts whenever the five fields of `expression` match. Raises ValueError if they never match.

    The properties list the matching numbers, so that no scheduler parses the expression again: schedulers disagree on
    which day of the week is 0. Here 0 and 7 are Sunday, as in cron(5).
    """

    expression: str

    def __post_init__(self) -> None:
        _check_cron(self)

    @property
    def minutes(self) -> tuple[int, ...]:
        """The matching minutes, 0 to 59, ascending."""
        return _matching(_MINUTE, self.expression.split()[0])

    @property
    def hours(self) -> tuple[int, ...]:
        """The matching hours, 0 to 23, ascending."""
        return _matching(_HOUR, self.expression.split()[1])

    @property
    def days(self) -> tuple[int, ...]:
        """The matching days of the month, 1 to 31, ascending."""
        return _matching(_DAY, self.expression.split()[2])

    @property
    def months(self) -> tuple[int, ...]:
        """The matching months, 1 to 12, ascending."""
        return _matching(_MONTH, self.expression.split()[3])

    @property
    def weekdays(self) -> tuple[str, ...]:
        """The matching days of the week by name (`sun`, `mon`, …), which every scheduler understands."""
        numbers = _matching(_WEEKDAY, self.expression.split()[4])
        return tuple(_WEEKDAYS[number] for number in sorted({number % 7 for number in numbers}))

    @property
    def any_time(self) -> bool:
        """Whether the minute or the hour begins with a star. cron(5) then goes by the clock, also when it is changed."""
        minute, hour, *_ = self.expression.split()
        return minute.startswith("*") or hour.startswith("*")

    @property
    def either_day(self) -> bool:
        """Whether both day fields are restricted. cron(5) then runs if either of them matches."""
        _, _, day, _, weekday = self.expression.split()
        return not day.startswith("*") and not weekday.startswith("*")


def parse_schedule(value: object) -> Every | Cron:
    """Parse `every DURATION` or a cron line of five fields. Raises ValueError that says what to write."""
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is not a valid schedule; {_EXAMPLES}")
    words = value.split()
    if words[:1] == ["every"]:
        return _parse_every("".join(words[1:]))
    if len(words) != 5:
        raise ValueError(f"{quoted(value)} is not a valid schedule; {_EXAMPLES}")
    return Cron(" ".join(words))


def _parse_every(text: str) -> Every:
    seconds = parse_duration(text)
    if not 1 <= seconds <= 7 * 86400:
        raise ValueError(f"{quoted('every ' + text)} is out of range; write 'every 1s' to 'every 7d'")
    return Every(seconds)


def _check_cron(cron: Cron) -> None:
    words = cron.expression.split()
    if len(words) != 5:
        raise ValueError(
            f"{quoted(cron.expression)} has {len(words)} fields, but a cron line has five; {_EXAMPLES}"
        )
    for field, word in zip((_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY), words, strict=True):
        _matching(field, word)
    if words[4].startswith("*") and all(min(cron.days) > _LONGEST_MONTH.get(m, 31) for m in cron.months):
        raise ValueError(
            f"{quoted(cron.expression)} never matches: none of its months has such a day; {_EXAMPLES}"
        )


def _matching(field: _Field, word: str) -> tuple[int, ...]:
    """List the numbers that one column matches, ascending."""
    numbers: set[int] = set()
    for item in word.lower().split(","):
        numbers.update(_matching_item(field, item))
    return tuple(sorted(numbers))


def _matching_item(field: _Field, item: str) -> range:
    match = _ITEM.fullmatch(item)
    if match is None or (match["first"] == "*" and match["last"]):
        raise ValueError(
            f"{quoted(item)} is not a valid {field.name}; write {field.low} to {field.high}, '*', '1-5', '1,15' or '*/10'"
        )
    step = int(match["step"] or 1)
    if not 1 <= step <= field.high:
        raise ValueError(
            f"{quoted(item)} has a step out of range for the {field.name}; write a step of 1 to {field.high}"
        )
    if match["first"] == "*":
        return range(field.low, field.high + 1 - (field is _WEEKDAY), step)
    first = _number(field, match["first"])
    last = first
    if match["last"]:
        last = _number(field, match["last"])
        if field is _WEEKDAY and last == 0 and first > 0:
            # In "sat-sun", Sunday is the end of the week.
            last = 7
    elif match["step"]:
        # Implementations disagree on "5/10": some continue to the end of the range, some ignore the step.
        raise ValueError(
            f"{quoted(item)} has a step without a range; write '*/{step}' or '{first}-{field.high}/{step}'"
        )
    if first > last:
        raise ValueError(
            f"{quoted(item)} is a range that runs backwards; write the smaller {field.name} first, or two items"
        )
    return range(first, last + 1, step)


def _number(field: _Field, text: str) -> int:
    if text in field.names:
        return field.names.index(text) + field.low
    number = int(text) if text.isdecimal() and len(text) <= 2 else -1
    if not field.low <= number <= field.high:
        names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise ValueError(
            f"{quoted(text)} is not a valid {field.name}; write {field.low} to {field.high}{names}"
        )
    return number
