"""HTTP/1.1 on a connection: a request as bytes, and its answer as llhttp reads it (RFC 9112).

llhttp is strict, because a client that guesses where an answer ends takes half a file for a whole one, or the end of
one answer for the start of the next. What is no plain HTTP is a `BrokenAnswer`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from syncd.pitchyou.pace import Pace

Fields = list[tuple[bytes, bytes]]

PIECE = 128 * 1024  # bytes that one read takes at most
_GATHERED = 64 * 1024  # bytes; smaller pieces are joined before they are handed on
_MAX_LINES = 64 * 1024  # bytes of a head, and of what stands between and behind chunks

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
        self._reading = _Reading()
        self._lines = 0  # bytes since the last piece of a body
        while not self._reading.status:
            self._receive(pace)
        self.status, self.fields = self._reading.status, self._reading.fields
        self._values: dict[bytes, bytes] = {}
        for name, value in self.fields:
            name = name.lower()
            self._values[name] = b"%b, %b" % (self._values[name], value) if name in self._values else value
        coding = self._values.get(b"transfer-encoding")
        if coding is not None and coding.strip(b" \t").lower() != b"chunked":
            raise BrokenAnswer("a Transfer-Encoding that was not asked for")
        self._until_close = coding is None and b"content-length" not in self._values

    def header(self, name: str) -> str:
        """The value of a field (its name in lower case), those of several joined by commas, or an empty string."""
        return self._values.get(name.encode("ascii"), b"").decode("latin-1")

    @property
    def received(self) -> int:
        """Bytes of the body that have come and were not taken yet."""
        return self._reading.waiting

    @property
    def reusable(self) -> bool:
        """Whether the answer has come to its end, and the connection is good for another one."""
        return self._reading.reusable

    def pieces(self, pace: Pace) -> Iterator[bytes]:
        """The body, in pieces of some 64 KiB to 192 KiB; the last one is smaller.

        Raises:
            BrokenAnswer: it ended early, or its chunks are malformed; and what `Connection.receive` raises.
        """
        while not self._reading.complete:
            if self.received >= _GATHERED:
                yield self._reading.take()
            self._receive(pace)
        if self.received:
            yield self._reading.take()

    def _receive(self, pace: Pace) -> None:
        before = self.received
        if data := self._source.receive(PIECE, pace):
            self._reading.feed(data)
        elif self._reading.status and self._until_close:
            self._reading.complete = True
        else:
            raise BrokenAnswer("it ended early")
        self._lines = 0 if self.received > before else self._lines + len(data)
        if self._lines > _MAX_LINES:
            raise BrokenAnswer("a head or a line without an end")


class _Reading:
    """What llhttp has found so far: the head of the answer, the part of its body that nobody took yet, and its end."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.status = 0  # until the head is complete
        self.fields: Fields = []
        self.waiting = 0  # bytes of the body
        self._body: list[bytes] = []
        self.complete = self.reusable = False

    def feed(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self.complete:
                raise BrokenAnswer(str(error)) from None
            self.reusable = False

    def take(self) -> bytes:
        """The part of the body that nobody took yet."""
        taken = b"".join(self._body)
        self._body, self.waiting = [], 0
        return taken

    # llhttp calls the rest.

    def on_message_begin(self) -> None:
        if self.complete:  # what follows is not asked for
            self.reusable = False
        else:
            self.fields = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # otherwise it stands behind the chunks
            self.fields.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101 or self._parser.get_http_version() not in ("1.0", "1.1"):
            raise BrokenAnswer("another protocol")
        if status >= 200 and not self.complete:
            self.status = status

    def on_body(self, data: bytes) -> None:
        if self.status and not self.complete:  # an interim answer may have a body as well
            self._body.append(data)
            self.waiting += len(data)

    def on_message_complete(self) -> None:
        if self.status and not self.complete:
            self.complete, self.reusable = True, self._parser.should_keep_alive()
