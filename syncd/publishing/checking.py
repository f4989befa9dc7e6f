"""Checks URLs and texts from callers before they become part of a page, a QR code or a header."""

import re
import unicodedata

from syncd.errors import BadInput

# The characters that RFC 3986 allows in a URL. Blanks, quotes, angle brackets, control and bidi characters are rejected.
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%")
_ADDRESS = re.compile(
    r"(https?://(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)(?:[/?#].*)?"
)
# Parts of emoji and of Persian words, and the soft hyphen.
_JOINERS = "\u200c\u200d\u00ad"


def checked_address(address: str) -> str:
    """Return the URL unchanged if it is a complete http(s) URL without a user name.

    Raises BadInput. Its message does not repeat the URL, because the URL of a chat is secret.
    """
    origin(address)
    return address


def origin(address: str) -> str:
    """Return scheme, host and port as in a Content-Security-Policy. Raises BadInput as `checked_address` does."""
    for place, character in enumerate(address, start=1):
        if character not in _ALLOWED:
            raise BadInput(
                f"Character {place} of the URL is U+{ord(character):04X}, which a URL must not contain. "
                "Percent-encode it."
            )
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise BadInput("The URL does not begin with http:// or https:// and a host name.")
    return match[1].lower()


def checked_title(title: str) -> str:
    """Clean a job title with `checked_text`; at most 1,000 characters. Raises BadInput."""
    return checked_text(title, name="job title", at_most=1000)


def checked_text(text: str, *, name: str, at_most: int) -> str:
    """Return the text as one line without invisible characters: control, bidi and format characters, lone surrogates.

    `name` is the text's name in errors, `at_most` its maximum length in characters. Raises BadInput if nothing is left or
    the text is too long.
    """
    seen = "".join(
        " " if character.isspace() else character for character in text if _is_meant_to_be_seen(character)
    )
    line = " ".join(seen.split())
    if not line.strip(_JOINERS):
        raise BadInput(f"The {name} is empty.")
    if len(line) > at_most:
        raise BadInput(
            f"The {name} has {len(line)} characters, but at most {at_most} are allowed. Shorten it."
        )
    return line


def _is_meant_to_be_seen(character: str) -> bool:
    if character.isspace() or character in _JOINERS:
        return True
    code = ord(character)
    no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not no_character and unicodedata.category(character) not in ("Cc", "Cf", "Cs")
