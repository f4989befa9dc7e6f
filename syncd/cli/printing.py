"""Text of others on a terminal and in the cells of a spreadsheet."""

from typing import Literal


def printable(text: str) -> str:
    """Text that cannot steer a terminal: what is not printable, bidi marks too, is escaped as Python would."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """Printable text that no spreadsheet takes for a formula: an apostrophe goes before `=`, `+`, `-` and `@`."""
    begins = text.lstrip()[:1]
    return ("'" if begins and begins in "=+-@＝＋－＠" else "") + printable(text)


def language_of(tag: str) -> Literal["de", "en"]:
    """The language in which to print for people: German for German tags, English for all others."""
    return "de" if tag.lower().partition("-")[0] == "de" else "en"
