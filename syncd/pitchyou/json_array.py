"""Finds where the elements of a JSON array begin and end, without decoding them.

The array may have any length, and its elements may be broken inside. Anything but one complete array is refused.
"""

import os
import re
from array import array
from collections.abc import Callable
from typing import IO

from syncd.errors import BadAnswer

WINDOW = 256 * 1024
MAX_DEPTH = 100
# In bytes: what is passed at once inside a large element.
BLOCKS = (8192, 1024)
# Each element takes 8 bytes of memory. Without a limit, a list of nothing but `0,` would fill it.
MAX_ELEMENTS = 2_000_000
# Python code handles each element, and some of the brackets: a step each. A list gets these steps, and one for each
# 32 bytes. With more, it would take minutes.
FREE_STEPS, BYTES_FOR_A_STEP = 200_000, 32
# If a window has a bracket in every 8 bytes, passing blocks is faster than the patterns below.
DENSE = 8

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


_WHOLE = re.compile(rb'[^"]*(?:' + _STRING + rb'[^"]*)*', re.DOTALL)
_STRINGS = re.compile(_STRING, re.DOTALL)
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_MARKS = _NO_BRACKETS.replace(b'"', b"")
_LEVELS = tuple(b"[" * levels + b"]" * levels for levels in (64, 8, 1))
# Matches a whole element and the byte that ends it, five times as fast as from bracket to bracket. An element that is
# nested deeper, or not complete in the window, is read from bracket to bracket.
_ELEMENT = re.compile(rb"[ \t\r\n]*" + _nested(5) + rb"[ \t\r\n]*[,\]]", re.DOTALL)


def cut(file: IO[bytes], check: Callable[[], object] = lambda: None) -> "array[int]":
    """Return where the opening bracket and the end of each element are.

    Args:
        check: called once for each window; its exception ends the work.
    """
    return _Cutter(file, check).cut()


def _outside_strings(block: bytes) -> bytes:
    """Return the block up to a place that is outside strings. It begins outside strings."""
    if b"\\" in block:
        match = _WHOLE.match(block)
        return match.group() if match else b""
    return block[: block.rfind(b'"')] if block.count(b'"') % 2 else block


def unmatched(text: bytes) -> bytes:
    """Return the brackets of a text that have no partner in it, all as `]` or `[`. It ends outside strings."""
    if not text.translate(None, _NO_BRACKETS):
        return b""
    if b"\\" in text:
        text = _STRINGS.sub(b"", text)
    marks = text.translate(_ALIKE, _NO_MARKS)
    if b'"' in marks:
        marks = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    return collapsed(marks)


def collapsed(brackets: bytes) -> bytes:
    """Remove pairs of brackets, again and again; also many levels at once, since each pass reads everything."""
    before = -1
    while len(brackets) != before:
        before = len(brackets)
        for levels in _LEVELS:
            brackets = brackets.replace(levels, b"")
    return brackets


def nested_too_deeply(element: bytes) -> bool:
    """Whether a whole element has more than `MAX_DEPTH` levels, the list included. Costs nothing for most elements."""
    if element.count(b"[") + element.count(b"{") < MAX_DEPTH:
        return False
    if b"\\" in element:
        element = _STRINGS.sub(b"", element)
    marks = element.translate(_ALIKE, _NO_MARKS)
    brackets = b"".join(marks.split(b'"')[::2])
    for _ in range(MAX_DEPTH - 1):
        brackets = brackets.replace(b"[]", b"")
    return b"[" in brackets


class _Cutter:
    """Reads the file once, and keeps only one window of it in memory."""

    def __init__(self, file: IO[bytes], check: Callable[[], object]) -> None:
        self.file, self.check = file, check
        self.file.seek(0, os.SEEK_SET)
        self.window, self.base, self.at = b"", 0, 0
        self.marks: array[int] = array("Q")
        self.steps, self.dense = 0, False

    def more(self) -> bool:
        self.check()
        rest = self.window[self.at :]
        chunk = self.file.read(WINDOW)
        self.base += self.at
        self.window, self.at = rest + chunk, 0
        if self.steps > FREE_STEPS + self.base // BYTES_FOR_A_STEP:
            raise BadAnswer("it has too many elements and brackets for its length")
        self.dense = (chunk.count(b"{") + chunk.count(b"[")) * DENSE > len(chunk)
        return bool(chunk)

    def cut(self) -> "array[int]":
        self.open_array()
        self.marks.append(self.base + self.at - 1)
        while self.element() != b"]":
            pass
        self.require_end()
        return self.marks

    def element(self) -> bytes:
        """Skip one element and note where it ends. Return the comma or bracket after it."""
        self.steps += 1
        if not self.dense and (match := _ELEMENT.match(self.window, self.at)):
            self.at = match.end()
            self.note()
            return self.window[self.at - 1 : self.at]
        depth, filled = 1, False
        leapt = -1
        while True:
            # Small elements are not worth it. After a leap, less than a block is left, or it holds the element's end.
            if depth > 1 and leapt != self.base and self.base + self.at > self.marks[-1] + BLOCKS[-1]:
                depth = self.leap(depth)
                leapt = self.base
            byte, blank = self.next_mark(depth)
            self.steps += 1
            filled = filled or not blank
            if byte in b"{[":
                depth, filled = depth + 1, True
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

    def leap(self, depth: int) -> int:
        """Pass the blocks that lie inside the element as a whole. Return the depth behind them."""
        for size in BLOCKS:
            while len(self.window) - self.at > size:
                block = _outside_strings(self.window[self.at : self.at + size])
                rest = unmatched(block)
                closed = rest.count(b"]")
                if not block or depth - closed < 2:
                    break
                depth += len(rest) - 2 * closed
                self.at += len(block)
        return depth

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
