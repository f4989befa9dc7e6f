"""Makes text of others safe to show: in a message, on a terminal, in a log line, in a cell of a spreadsheet.

Such text comes from applicants, recruiters, files or PitchYou. It may hold line breaks that forge a log line, escape
sequences that move a terminal's cursor, and marks that reverse the direction of writing. All functions here escape
these as Python does (`\\n`, `\\x1b`, `\\u202e`) and keep everything that a reader can see.
"""

import re
from unicodedata import category

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL = ("Cc", "Cs", "Zl", "Zp")
# What begins a formula, at the beginning of a cell or where a program that splits by another delimiter sees one.
_FORMULA = re.compile(r"(?:^|(?<=[,;|\t]))(?=[\s\"]*[=+\-@＝＋－＠])")


def printable(text: str) -> str:
    """Escape every character that is not printable: controls, line breaks, bidi and other invisible marks."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def shortened(text: str, at_most: int) -> str:
    """Cut the text to `at_most` characters; the last one is then an ellipsis."""
    return text if len(text) <= at_most else f"{text[: at_most - 1]}…"


def quoted(value: object, at_most: int = 60) -> str:
    """Quote a value for a message: on one line, printable, and about `at_most` characters of it."""
    if isinstance(value, str):
        return repr(shortened(value, at_most))
    return printable(shortened(repr(value), at_most))


def cell(text: str) -> str:
    """Make text safe for a CSV file that people open as a spreadsheet: no formula, and nothing that steers a terminal.

    Puts an apostrophe before `=`, `+`, `-` and `@`, also after a comma, semicolon or bar, because a program may take that
    for the delimiter. Escapes control characters and bidi marks. Keeps everything else, invisible joiners too, so that a
    search for the original text finds it.
    """
    safe = _FORMULA.sub("'", text)
    return "".join(_escaped(c) if c in _BIDI or category(c) in _CONTROL else c for c in safe)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
