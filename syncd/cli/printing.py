"""Text of others on a terminal and in the cells of a spreadsheet."""

from typing import Literal
from unicodedata import category

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL = ("Cc", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """Text that cannot steer a terminal: what is not printable, bidi marks too, is escaped as Python would."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """Text for a CSV file that people open as a spreadsheet: it is taken for no formula, and it cannot steer a terminal.

    An apostrophe goes before `=`, `+`, `-` and `@`; control characters and marks of the writing direction are escaped.
    Everything else stays as it is, so that a reference can be found again.
    """
    begins = text.lstrip()[:1]
    escaped = "".join(
        c.encode("unicode_escape").decode() if c in _BIDI or category(c) in _CONTROL else c for c in text
    )
    return ("'" if begins and begins in "=+-@＝＋－＠" else "") + escaped


def language_of(tag: str) -> Literal["de", "en"]:
    """The language in which to print for people: German for German tags, English for all others."""
    return "de" if tag.lower().partition("-")[0] == "de" else "en"
