"""Makes foreign text safe to print on a terminal and in the cells of a spreadsheet."""

from typing import Literal
from unicodedata import category

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL = ("Cc", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """Escape characters that are not printable, including bidi marks, so that the text cannot control the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """Make text safe for a CSV file that is opened in a spreadsheet or printed on a terminal.

    Puts an apostrophe before a leading `=`, `+`, `-` or `@`, so that the text is not run as a formula. Escapes control
    characters and bidi marks. Leaves everything else unchanged, so that a search still finds a reference.
    """
    begins = text.lstrip()[:1]
    escaped = "".join(
        c.encode("unicode_escape").decode() if c in _BIDI or category(c) in _CONTROL else c for c in text
    )
    return ("'" if begins and begins in "=+-@＝＋－＠" else "") + escaped


def language_of(tag: str) -> Literal["de", "en"]:
    """Return the language for printed texts: German for German language tags, English for all others."""
    return "de" if tag.lower().partition("-")[0] == "de" else "en"
