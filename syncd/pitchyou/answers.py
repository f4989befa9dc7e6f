"""HTTP/1.1 on a connection: a request as bytes, and its answer read strictly (RFC 9112).

Strictly, because a client that guesses where an answer ends takes half a file for a whole one, or the end of one
answer for the start of the next. What is no plain HTTP is a `BrokenAnswer`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from syncd.pitchyou.pace import Pace

Fields = list[tuple[bytes, bytes]]

PIECE = 128 * 1024  # bytes that one read takes at most
_GATHERED = 64 * 1024  # bytes; smaller pieces are joined before they are handed on
_MAX_HEAD = 64 * 1024
_MAX_LINE = 16 * 1024  # before and behind a chunk

_STATUS = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\0\r\n\v\f]*)?")
_FIELD = re.compile(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+):([^\0\r\n\v\f]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\0\r\n]*)?[ \t]*")
_HEAD_END = re.compile(rb"\n\r?\n")
_TARGET = re.compile(rb"[!-~]+")
_UNSENDABLE = re.compile(rb"[\0-\x1f\x7f]")


class BrokenAnswer(Exception):
    """The connection ended early, or what came is not HTTP. Where one could not be sent: the request is not."""


class Source(Protocol):
    """Where bytes come from: a `Connection`."""

    def receive(self, size: int, pace: Pace) -> bytes:
        """What has come, `size` bytes at most; nothing when the other side has closed."""


def request_bytes(method: str, target: bytes, fields: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """A request on the wire. `fields` say how long the body is.

    Raises:
        BrokenAnswer: a control character, or a space in the target, would end a line or a part of it early.
    """
    lines = [b"%b %b HTTP/1.1" % (method.encode("ascii"), target)]
    lines += [b"%b: %b" % field for field in fields]
    if not _TARGET.fullmatch(target) or any(map(_UNSENDABLE.search, lines)):
        raise BrokenAnswer("a control character in a header, or a target that is none")
    return b"\r\n".join([*lines, b"", body])


class Answer:
    """One answer. Its head has been read when this exists; `pieces` reads its body.

    Attributes:
        status: 200 to 999; interim answers (1xx) are passed over.
        fields: the header's names and values, in the order and spelling of the server.

    Raises:
        BrokenAnswer: and what `Connection.receive` raises.
    """

    def __init__(self, source: Source, pace: Pace) -> None:
        self._source = source
        self._ahead, self._at = b"", 0  # what was received, and how much of it was used
        self.status = 100
        while 100 <= self.status < 200:
            minor, self.status, self.fields = _parsed(self._head(pace))
        if self.status == 101:
            raise BrokenAnswer("another protocol")
        self._values: dict[bytes, bytes] = {}
        for name, value in self.fields:
            name = name.lower()
            self._values[name] = b"%b, %b" % (self._values[name], value) if name in self._values else value
        self._frame(persistent=minor >= 1)

    def header(self, name: str) -> str:
        """The value of a field (its name in lower case), those of several joined by commas, or an empty string."""
        return self._values.get(name.encode("ascii"), b"").decode("latin-1")

    @property
    def received(self) -> int:
        """Bytes that have come and were not used yet."""
        return len(self._ahead) - self._at

    @property
    def reusable(self) -> bool:
        """Whether the connection is at the end of this answer and good for another one."""
        return self._persistent and not self._open and self.received == self._left

    def pieces(self, pace: Pace) -> Iterator[bytes]:
        """The body, in pieces of some 64 KiB to 192 KiB; the last one is smaller.

        Raises:
            BrokenAnswer: it ended early, or its chunks are malformed; and what `Connection.receive` raises.
        """
        held: list[bytes] = []
        size = 0
        for piece in self._pieces(pace):
            held.append(piece)
            size += len(piece)
            if size >= _GATHERED:
                yield piece if len(held) == 1 else b"".join(held)
                held, size = [], 0
        if held:
            yield b"".join(held)

    def _frame(self, *, persistent: bool) -> None:
        lengths, codings, options = (
            self._items(name) for name in (b"content-length", b"transfer-encoding", b"connection")
        )
        if len(set(lengths)) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
            raise BrokenAnswer("a Content-Length that is none")
        if codings not in ([], [b"chunked"]):
            raise BrokenAnswer("a Transfer-Encoding that was not asked for")
        bodiless = self.status in (204, 304)
        self._chunked = bool(codings) and not bodiless
        self._left = int(lengths[0]) if lengths and not codings and not bodiless else 0
        self._open = self._chunked or not (lengths or bodiless)  # its end is still to be found
        ambiguous = bool(codings) and bool(lengths)
        self._persistent = persistent and b"close" not in options and not ambiguous

    def _items(self, name: bytes) -> list[bytes]:
        """The comma-separated items of a field, in lower case."""
        value = self._values.get(name)
        return [] if value is None else [item.strip(b" \t") for item in value.lower().split(b",")]

    def _pieces(self, pace: Pace) -> Iterator[bytes]:
        if self._chunked:
            yield from self._chunks(pace)
        elif self._open:
            while self.received or self._more(pace):
                yield self._ahead[self._at :]
                self._at = len(self._ahead)
        else:
            yield from self._exactly(pace)

    def _exactly(self, pace: Pace) -> Iterator[bytes]:
        while self._left:
            if not self.received and not self._more(pace):
                raise BrokenAnswer("it ended early")
            piece = self._ahead[self._at : self._at + self._left]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def _chunks(self, pace: Pace) -> Iterator[bytes]:
        while self._open:
            if not (size := _CHUNK.fullmatch(self._line(pace))):
                raise BrokenAnswer("a chunk without a length")
            self._left = int(size[1], 16)
            if self._left:
                yield from self._exactly(pace)
                if self._line(pace):
                    raise BrokenAnswer("a chunk longer than announced")
            else:
                self._trailer(pace)
                self._open = False

    def _trailer(self, pace: Pace) -> None:
        size = 0
        while line := self._line(pace):
            size += len(line)
            if size > _MAX_HEAD or not _FIELD.fullmatch(line):
                raise BrokenAnswer("fields behind the chunks that are none, or too many")

    def _line(self, pace: Pace) -> bytes:
        seen = 0
        while (end := self._ahead.find(b"\r\n", self._at + seen)) < 0:
            seen = max(0, self.received - 1)
            if seen > _MAX_LINE or not self._more(pace):
                raise BrokenAnswer("a line without an end")
        line = self._ahead[self._at : end]
        self._at = end + 2
        return line

    def _head(self, pace: Pace) -> list[bytes]:
        seen = 0
        while not (end := _HEAD_END.search(self._ahead, self._at + seen)):
            seen = max(0, self.received - 2)
            if seen > _MAX_HEAD or not self._more(pace):
                raise BrokenAnswer("a head without an end")
        lines = self._ahead[self._at : end.start()].split(b"\n")
        self._at = end.end()
        return [line.removesuffix(b"\r") for line in lines]

    def _more(self, pace: Pace) -> bool:
        data = self._source.receive(PIECE, pace)
        unused = self._ahead[self._at :]
        self._ahead, self._at = unused + data if unused else data, 0
        return bool(data)


def _parsed(lines: list[bytes]) -> tuple[int, int, Fields]:
    """A head's minor version of HTTP, its status and its fields."""
    if not (status := _STATUS.fullmatch(lines[0])):
        raise BrokenAnswer("it does not begin like an answer")
    unfolded: list[bytes] = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and unfolded:  # a folded line, which was allowed once
            unfolded[-1] += b" " + line.lstrip(b" \t")
        else:
            unfolded.append(line)
    fields: Fields = []
    for line in unfolded:
        if not (field := _FIELD.fullmatch(line)):
            raise BrokenAnswer("a header without a name")
        fields.append((field[1], field[2].strip(b" \t")))
    return int(status[1]), int(status[2]), fields
