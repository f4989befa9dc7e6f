"""The list answer: spooled first, proven to be one whole JSON array, and only then cut into its elements.

Spooling frees the server's connection at once and shows a truncated answer before anything is landed. Cutting
without decoding keeps memory flat whatever the length of the list, keeps the exact bytes of each profile, and
lets one that is broken inside stand beside others that are not.
"""

import io
import os
import re
import tempfile
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO

from syncd.errors import BadAnswer, SyncdError

MEMORY_LIMIT = 4 * 1024 * 1024  # bytes; a longer answer goes to an unlinked temporary file, mode 0600
WINDOW = 256 * 1024
MAX_DEPTH = 100
MAX_ELEMENT = 16 * 1024 * 1024  # bytes of one profile
MAX_ELEMENTS = 2_000_000  # 16 bytes of memory each; a list of nothing but `0,` would otherwise fill it
KEPT_OF_OVERSIZE = 1024 * 1024

# Everything up to the next bracket (and, between elements, comma), whole strings included. No two parts can match
# the same text in two ways, so they are linear on any input. (Possessive quantifiers would say so, but Python
# 3.11.2 does not give back what a possessive group took when it fails in the middle.)
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_INSIDE = re.compile(rb'[^"{}\[\]]*(?:' + _STRING + rb'[^"{}\[\]]*)*', re.DOTALL)
_BETWEEN = re.compile(rb'[^"{}\[\],]*(?:' + _STRING + rb'[^"{}\[\],]*)*', re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_WHITESPACE = b" \t\r\n"


class Element:
    """One element of the array: its bytes, and why it cannot be read, if that is known without decoding."""

    __slots__ = ("payload", "trouble")

    def __init__(self, payload: bytes, trouble: str | None = None) -> None:
        self.payload, self.trouble = payload, trouble


class Spool:
    """A whole list answer, cut into elements.

    Elements come last first: when a profileId stands twice in an answer the last one wins, and so it is seen
    first. `len()` is the number of elements. Close it, or use it in a `with`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._bounds, self._too_deep = _cut(file)

    def __len__(self) -> int:
        return len(self._bounds) // 2

    def __iter__(self) -> Iterator[Element]:
        for index in range(len(self) - 1, -1, -1):
            start, end = self._bounds[2 * index], self._bounds[2 * index + 1]
            self._file.seek(start)
            if end - start > MAX_ELEMENT:
                reason = f"a profile of {end - start} bytes; the first {KEPT_OF_OVERSIZE} were kept"
                yield Element(self._file.read(KEPT_OF_OVERSIZE), reason)
                continue
            payload = self._file.read(end - start).strip(_WHITESPACE)
            yield Element(
                payload, f"nested deeper than {MAX_DEPTH} levels" if index in self._too_deep else None
            )

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


def spool(
    chunks: Iterable[bytes],
    *,
    max_bytes: int,
    limit: str = "sync.max_response_bytes",
    encoding: str = "",
    length: int | None = None,
) -> Spool:
    """Take in a list answer. The messages of its errors go on where the caller has named the list.

    Args:
        chunks: the body as it came over the wire.
        max_bytes: the longest answer to accept, after decompression.
        limit: what sets it.
        encoding: its Content-Encoding. syncd asks for none, but a proxy may compress all the same.
        length: its Content-Length, if known: refused early when too long.

    Raises:
        BadAnswer: too long, truncated, or anything but one JSON array.
        SyncdError: the folder for temporary files is full or cannot be written.
    """
    if length is not None and length > max_bytes:
        raise BadAnswer(f"it has {length} bytes, more than {limit} ({max_bytes})")
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - the Spool closes it
    try:
        size = 0
        for piece in _decoded(chunks, encoding):
            size += len(piece)
            if size > max_bytes:
                raise BadAnswer(f"it is longer than {limit} ({max_bytes})")
            file.write(piece)
        return Spool(file)
    except OSError as error:
        file.close()
        raise SyncdError(
            f"a list could not be kept in a temporary file ({error.strerror}): "
            "free space there, or set TMPDIR to another folder"
        ) from None
    except BaseException:
        file.close()
        raise


def element_of(payload: bytes) -> Element:
    """One element from its bytes alone, measured as in a list."""
    with suppress(BadAnswer), Spool(io.BytesIO(b"[%b]" % payload)) as elements:
        if len(elements) == 1:
            return next(iter(elements))
    return Element(payload)  # broken inside: whoever decodes it says how


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer("it has a Content-Encoding that was not asked for")
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for chunk in chunks:
            pending = chunk
            while pending:  # in pieces, so that a bomb meets the limit instead of the memory
                yield decoder.decompress(pending, WINDOW)
                if decoder.unused_data:  # zlib would gather it all, past every limit
                    raise BadAnswer("what was compressed goes on behind its end")
                pending = decoder.unconsumed_tail
        yield decoder.flush()
    except zlib.error:
        raise BadAnswer("what was compressed is damaged") from None
    if not decoder.eof:
        raise BadAnswer("what was compressed is truncated")


def _cut(file: IO[bytes]) -> tuple["array[int]", set[int]]:
    """Where each element starts and ends, and which ones nest too deeply."""
    return _Cutter(file).cut()


class _Cutter:
    """Reads the file once, a window at a time, and keeps no more than that in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.file.seek(0, os.SEEK_SET)
        self.window, self.base, self.at = b"", 0, 0
        self.bounds: array[int] = array("Q")
        self.too_deep: set[int] = set()

    def more(self) -> bool:
        rest = self.window[self.at :]
        chunk = self.file.read(WINDOW)
        self.base += self.at
        self.window, self.at = rest + chunk, 0
        return bool(chunk)

    def cut(self) -> tuple["array[int]", set[int]]:
        self.open_array()
        depth, start, filled = 1, self.base + self.at, False
        while depth:
            byte, blank = self.next_mark(depth)
            filled = filled or not blank
            position = self.base + self.at - 1
            if byte in b"{[":
                depth, filled = depth + 1, True
                if depth > MAX_DEPTH:
                    self.too_deep.add(len(self.bounds) // 2)
                continue
            if byte in b"}]" and depth > 1:
                depth -= 1
                continue
            if byte == b"}":
                raise BadAnswer("it is not valid JSON")
            if filled:
                if len(self.bounds) == 2 * MAX_ELEMENTS:
                    raise BadAnswer(f"the list has more than {MAX_ELEMENTS} profiles")
                self.bounds.extend((start, position))
            elif byte == b"," or self.bounds:
                raise BadAnswer("it is not valid JSON: an element is missing")
            if byte == b"]":
                depth = 0
            start, filled = position + 1, False
        self.require_end()
        return self.bounds, self.too_deep

    def open_array(self) -> None:
        self.more()
        if self.window.startswith(b"\xef\xbb\xbf"):
            self.at = 3
        while self.at == len(self.window) or self.window[self.at] in _WHITESPACE:
            if self.at == len(self.window):
                if not self.more():
                    raise BadAnswer("it is empty: not even an empty array")
            else:
                self.at += 1
        first = self.window[self.at : self.at + 1]
        if first != b"[":
            kind = {b"{": "an object", b"<": "a web page"}.get(first, "something else")
            raise BadAnswer(f"it is {kind}, not a JSON array: check base_url")
        self.at += 1

    def next_mark(self, depth: int) -> tuple[bytes, bool]:
        """The next bracket (or comma between elements), and whether only whitespace stood before it."""
        pattern, blank = (_BETWEEN if depth == 1 else _INSIDE), True
        while True:
            match = pattern.match(self.window, self.at)
            if match is None:
                raise AssertionError("the pattern matches the empty string")
            if depth == 1 and blank:
                blank = not match.group().strip(_WHITESPACE)
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
        """Go past a string that is not whole in this window."""
        while True:
            match = _STRING_REST.match(self.window, self.at)
            self.at = match.end() if match else self.at
            if self.window[self.at : self.at + 1] == b'"':
                self.at += 1
                return
            self.require_more()  # a lone backslash at the end stays in the window

    def require_more(self) -> None:
        if not self.more():
            raise BadAnswer("it is truncated")

    def require_end(self) -> None:
        while True:
            if self.window[self.at :].strip(_WHITESPACE):
                raise BadAnswer("it goes on behind its end")
            self.at = len(self.window)
            if not self.more():
                return
