"""What callers give: web addresses and texts, checked before they become part of a page, a code or a header."""

import re
import unicodedata

from syncd.errors import BadInput

# RFC 3986: nothing but these may stand in an address, so that no blank, quote, angle bracket, control or bidi character gets past here.
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%")
_ADDRESS = re.compile(
    r"(https?://(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)(?:[/?#].*)?"
)
_JOINERS = "\u200c\u200d\u00ad"  # parts of emoji and of Persian words, and where a long word may break


def checked_address(address: str) -> str:
    """The address as it is, if it is a complete http(s) address without a user name.

    Raises BadInput, which does not repeat the address: that of a chat is a secret.
    """
    origin(address)
    return address


def origin(address: str) -> str:
    """Scheme, host and port, as a Content-Security-Policy names them. Raises BadInput as `checked_address` does."""
    for place, character in enumerate(address, start=1):
        if character not in _ALLOWED:
            raise BadInput(
                f"The address has U+{ord(character):04X} as its character {place}, which no address may hold; "
                "percent-encode it."
            )
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise BadInput("The address does not begin with http:// or https:// and the name of a host.")
    return match[1].lower()


def checked_title(title: str) -> str:
    """A job's title as `checked_text` leaves it, of at most 1,000 characters. Raises BadInput."""
    return checked_text(title, name="job title", at_most=1000)


def checked_text(text: str, *, name: str, at_most: int) -> str:
    """The text in one line, without what is not meant to be seen: control, bidi and other format characters, halves of surrogates.

    `name` is what errors call it, `at_most` counts characters. Raises BadInput when nothing is left or it is too long.
    """
    seen = "".join(
        " " if character.isspace() else character for character in text if _is_meant_to_be_seen(character)
    )
    line = " ".join(seen.split())
    if not line.strip(_JOINERS):
        raise BadInput(f"The {name} is empty.")
    if len(line) > at_most:
        raise BadInput(f"The {name} has {len(line)} characters, more than {at_most}; shorten it.")
    return line


def _is_meant_to_be_seen(character: str) -> bool:
    if character.isspace() or character in _JOINERS:
        return True
    code = ord(character)
    no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not no_character and unicodedata.category(character) not in ("Cc", "Cf", "Cs")
