"""Finds where the elements of a JSON array begin and end, without decoding them.

The array may have any length, and its elements may be broken inside. Anything but one complete array is refused.
"""

import os
import re
from array import array
from typing import IO

from syncd.errors import BadAnswer

WINDOW = 256 * 1024
MAX_DEPTH = 100
# Each element takes 8 bytes of memory. Without a limit, a list of nothing but `0,` would fill it.
MAX_ELEMENTS = 2_000_000

# These patterns match everything up to the next bracket (and, between elements, comma), including complete strings.
# No two parts can match the same text in two ways, so the patterns are linear on any input. (Possessive quantifiers
# would state that, but Python 3.11.2 does not give back what a possessive group took when it fails in the middle.)
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_INSIDE = re.compile(rb'[^"{}\[\]]*(?:' + _STRING + rb'[^"{}\[\]]*)*', re.DOTALL)
_BETWEEN = re.compile(rb'[^"{}\[\],]*(?:' + _STRING + rb'[^"{}\[\],]*)*', re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
WHITESPACE = b" \t\r\n"


def _nested(levels: int) -> bytes:
    """Return a pattern for a closed bracket with at most `levels` levels inside. It is linear, like those above."""
    inside = b"(?:" + _STRING + b"|" + _nested(levels - 1) + b")" if levels else _STRING
    return rb'[{\[][^"{}\[\]]*(?:' + inside + rb'[^"{}\[\]]*)*[}\]]'


# Matches a whole element and the byte that ends it, five times as fast as from bracket to bracket. An element that is
# nested deeper, or not complete in the window, is read from bracket to bracket.
_ELEMENT = re.compile(rb"[ \t\r\n]*" + _nested(5) + rb"[ \t\r\n]*[,\]]", re.DOTALL)


def cut(file: IO[bytes]) -> tuple["array[int]", set[int]]:
    """Return where the opening bracket and the end of each element are, and which elements are nested too deeply."""
    return _Cutter(file).cut()


class _Cutter:
    """Reads the file once, and keeps only one window of it in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.file.seek(0, os.SEEK_SET)
        self.window, self.base, self.at = b"", 0, 0
        self.marks: array[int] = array("Q")
        self.too_deep: set[int] = set()

    def more(self) -> bool:
        rest = self.window[self.at :]
        chunk = self.file.read(WINDOW)
        self.base += self.at
        self.window, self.at = rest + chunk, 0
        return bool(chunk)

    def cut(self) -> tuple["array[int]", set[int]]:
        self.open_array()
        self.marks.append(self.base + self.at - 1)
        while self.element() != b"]":
            pass
        self.require_end()
        return self.marks, self.too_deep

    def element(self) -> bytes:
        """Skip one element and note where it ends. Return the comma or bracket after it."""
        if match := _ELEMENT.match(self.window, self.at):
            self.at = match.end()
            self.note()
            return self.window[self.at - 1 : self.at]
        depth, filled = 1, False
        while True:
            byte, blank = self.next_mark(depth)
            filled = filled or not blank
            if byte in b"{[":
                depth, filled = depth + 1, True
                if depth > MAX_DEPTH:
                    self.too_deep.add(len(self.marks) - 1)
            elif byte in b"}]" and depth > 1:
                depth -= 1
            else:
                break
        if byte == b"}":
            raise BadAnswer("it is not valid JSON")
        if filled:
            self.note()
        elif byte == b"," or len(self.marks) > 1:
            raise BadAnswer("it is not valid JSON: an element is missing")
        return byte

    def note(self) -> None:
        if len(self.marks) > MAX_ELEMENTS:
            raise BadAnswer(f"the list has more than {MAX_ELEMENTS} profiles")
        self.marks.append(self.base + self.at - 1)

    def open_array(self) -> None:
        self.more()
        if self.window.startswith(b"\xef\xbb\xbf"):
            self.at = 3
        while self.at == len(self.window) or self.window[self.at] in WHITESPACE:
            if self.at == len(self.window):
                if not self.more():
                    raise BadAnswer("it is empty, not even an empty array")
            else:
                self.at += 1
        first = self.window[self.at : self.at + 1]
        if first != b"[":
            kind = {b"{": "an object", b"<": "a web page"}.get(first, "something else")
            raise BadAnswer(f"it is {kind}, not a JSON array. Check base_url.")
        self.at += 1

    def next_mark(self, depth: int) -> tuple[bytes, bool]:
        """Return the next bracket (or comma between elements), and whether only whitespace came before it."""
        pattern, blank = (_BETWEEN if depth == 1 else _INSIDE), True
        while True:
            match = pattern.match(self.window, self.at)
            if match is None:
                raise AssertionError("the pattern matches the empty string")
            if depth == 1 and blank:
                blank = not match.group().strip(WHITESPACE)
            self.at = match.end()
            if self.at == len(self.window):
                self.require_more()
                continue
            byte = self.window[self.at : self.at + 1]
            self.at += 1
            if byte != b'"':
                return byte, blank
            blank = False
            self.skip_string()

    def skip_string(self) -> None:
        """Skip a string that is not complete in this window."""
        while True:
            match = _STRING_REST.match(self.window, self.at)
            self.at = match.end() if match else self.at
            if self.window[self.at : self.at + 1] == b'"':
                self.at += 1
                return
            # A single backslash at the end stays in the window.
            self.require_more()

    def require_more(self) -> None:
        if not self.more():
            raise BadAnswer("it is truncated")

    def require_end(self) -> None:
        while True:
            if self.window[self.at :].strip(WHITESPACE):
                raise BadAnswer("it goes on after its end")
            self.at = len(self.window)
            if not self.more():
                return
