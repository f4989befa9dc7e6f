"""Limits what one profile may hold, by a look at its bytes: decoding it would take the memory that it must not take.

JSON values take up to a hundred times the memory of their text, and each one may become a row.
"""

import re

from syncd.pitchyou.json_array import MAX_DEPTH, nested_too_deeply

# A profile of an interview has about a hundred values.
MAX_VALUES = 100_000
MAX_STEPS = 10_000
MAX_FILES = 1_000
# In bytes of memory. Python holds a text in one, two or four bytes for each character, as its widest one needs.
MAX_TEXT = 16 * 1024 * 1024
_FOUR_BYTES = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")
_TWO_BYTES = re.compile(rb"[\xc4-\xef]|\\u(?!00)")

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def values_in(payload: bytes) -> int:
    """Return the number of JSON values in a text, or somewhat more. Commas and brackets in strings count as well."""
    return payload.count(b",") + payload.count(b"[") + payload.count(b"{") + 1


def is_small(payload: bytes) -> bool:
    """Whether a text holds few enough values to be decoded."""
    return values_in(payload) <= MAX_VALUES or values_in(_STRINGS.sub(b"", payload)) <= MAX_VALUES


def excess(payload: bytes) -> str | None:
    """Say why a profile holds too much to be decoded, or return None."""
    if not is_small(payload):
        return f"more than {MAX_VALUES} values"
    if len(payload) * 4 > MAX_TEXT and len(payload) * _width(payload) > MAX_TEXT:
        return f"a text that takes more than {MAX_TEXT} bytes of memory"
    if payload.count(b'"mediaId"') > MAX_FILES:
        return f"more than {MAX_FILES} files"
    if nested_too_deeply(payload):
        return f"nested deeper than {MAX_DEPTH} levels"
    return None


def _width(payload: bytes) -> int:
    """Return how many bytes Python may need for each character."""
    if _FOUR_BYTES.search(payload):
        return 4
    return 2 if _TWO_BYTES.search(payload) else 1
