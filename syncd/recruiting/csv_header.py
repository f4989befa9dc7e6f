"""Recognises the columns of a CSV file by its header."""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from syncd.errors import BadInput
from syncd.shown import quoted

# Errors in a header that are listed. Further ones are only counted.
_MAX_PROBLEMS = 100
# Titles that a message names.
_NAMED = 8
# Unknown titles that are compared with the known names, and characters of each that are.
_TITLES_COMPARED = 200
_COMPARED = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the caller knows by its name or an alias. Case, blanks, `_` and `-` are ignored in the comparison."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a file. `line_no` is its line, and `better` the line of a record that looks more like a header."""

    line_no: int
    titles: Sequence[str]
    delimiter: str
    better: int | None = None


def names_of(columns: Sequence[Column]) -> dict[str, str]:
    """Return the name of the column for each spelling, in the form of `plain`."""
    return {plain(spelling): c.name for c in columns for spelling in (c.name, *c.aliases)}


def plain(title: str) -> str:
    """Return the form in which titles are compared."""
    return re.sub(r"[\s_\u200b\u2060\ufeff-]+", "", unicodedata.normalize("NFC", title)).casefold()


def places_of(
    header: Header, columns: Sequence[Column], notes: list[str], unused: Sequence[Column] = ()
) -> dict[str, int]:
    """Return the position of each known column.

    Args:
        notes: gets a note about the columns that are ignored.
        unused: columns that the caller knows and does not read.

    Raises:
        BadInput: all errors in the header: a column is missing, repeated or misspelled.
    """
    names = names_of(columns)
    places: dict[str, int] = {}
    problems: list[str] = []
    for index, title in enumerate(header.titles):
        name = names.get(plain(title))
        if name in places:
            problems.append(f"the header has two columns for {name}: {places[name] + 1} and {index + 1}")
        elif name:
            places[name] = index
    others = [title for title in header.titles if title.strip() and plain(title) not in names]
    misspelled = _misspelled(others, {s: n for s, n in names.items() if n not in places}, names_of(unused))
    problems += [
        f"the header has {quoted(title)}; did you mean {name}?" for title, name in misspelled.items()
    ]
    problems += [
        f"the header has no column {c.name}" + ("" if c.name in misspelled.values() else _why(c, header))
        for c in columns
        if c.required and c.name not in places
    ]
    if problems:
        more = len(problems) - _MAX_PROBLEMS
        raise BadInput(
            *problems[:_MAX_PROBLEMS], *([f"and {more:,} more errors in the header"] if more > 0 else [])
        )
    _note(others, names_of(unused), notes)
    return places


def _misspelled(
    titles: Sequence[str], absent: Mapping[str, str], unused: Mapping[str, str]
) -> dict[str, str]:
    """Return the titles that resemble an absent column, with the name of that column."""
    found: dict[str, str] = {}
    for title in islice((t for t in titles if plain(t) not in unused), _TITLES_COMPARED):
        if near := difflib.get_close_matches(plain(title)[:_COMPARED], absent, n=1, cutoff=0.8):
            found[title] = absent[near[0]]
    return found


def _why(column: Column, header: Header) -> str:
    count = len(header.titles)
    taken = (
        f"; line {header.line_no} was taken for the header, and its "
        f"{count:,} {'column is' if count == 1 else 'columns are'} {_listed(header.titles)}. "
    )
    if header.better is not None:
        return taken + f"Line {header.better} looks like the header. Remove the lines above it."
    if count == 1:
        return taken + "Separate the columns by comma, semicolon or tab, and name them in the first line."
    names = " or ".join([column.name, *column.aliases[:1]])
    return taken + f"Name the columns in the first line, one of them {names}."


def _note(titles: Sequence[str], unused: Mapping[str, str], notes: list[str]) -> None:
    for what, ignored in (
        ("unknown", [t for t in titles if plain(t) not in unused]),
        ("not used here", [t for t in titles if plain(t) in unused]),
    ):
        if len(ignored) == 1:
            notes.append(f"the column {quoted(ignored[0])} is {what} and was ignored")
        elif ignored:
            notes.append(f"{len(ignored):,} columns are {what} and were ignored: {_listed(ignored)}")


def _listed(titles: Sequence[str]) -> str:
    named = [quoted(title) for title in titles[:_NAMED]]
    if more := len(titles) - len(named):
        named.append(f"{more:,} more")
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]
