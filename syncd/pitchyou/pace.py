"""Connections whose reads end when they should.

httpx's timeouts start anew with each read, so a server that sends one byte a second could hold a thread for months.
And it hands a body on in whole chunks, so whoever reads it may not see for hours how slow it is. Hence bytes are
counted here, below httpx, and each read asks first whether there is time left.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable

_SLICE = 1.0  # seconds a read blocks before it asks again whether to go on


@dataclass(slots=True)
class Pace:
    """How slow one part of an exchange, its headers or its body, may be. Seconds, bytes, and bytes per second.

    The clock starts with the first read: waiting for a free connection does not count.
    """

    deadline: Deadline
    silence: float  # until a read that brings nothing is given up
    whole: float = float("inf")
    rate_grace: float = float("inf")
    minimum_rate: int = 0
    received: int = 0
    newest: int = 0  # bytes of the newest read
    started: float | None = None

    def elapsed(self) -> float:
        """Seconds since the first read."""
        now = time.monotonic()
        self.started = now if self.started is None else self.started
        return now - self.started

    def check(self) -> None:
        """Raise what ends the exchange, if there is no time left for it."""
        self.deadline.check()
        if self.elapsed() > self.whole:
            raise ApiUnavailable(f"PitchYou's answer had not begun after {self.whole:g} s")

    def count(self, size: int) -> None:
        """Note that so many bytes have come, and raise if all of them together came too slowly."""
        self.newest = size
        self.received += size
        elapsed = self.elapsed()
        if elapsed > self.rate_grace and self.received < elapsed * self.minimum_rate:
            raise ApiUnavailable(f"PitchYou sends less than {self.minimum_rate} bytes/s")


_reads = threading.local()


@contextmanager
def paced(pace: Pace) -> Iterator[None]:
    """Let the reads of this thread go at this pace: an exchange is read by the thread that sent it."""
    previous = getattr(_reads, "pace", None)
    _reads.pace = pace
    try:
        yield
    finally:
        _reads.pace = previous


class _PacedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silence = _SLICE if timeout is None else timeout
        pace: Pace = getattr(_reads, "pace", None) or Pace(Deadline(timeout), silence)
        quiet_until = time.monotonic() + pace.silence
        while True:
            pace.check()
            try:
                data = self._stream.read(max_bytes, max(0.001, min(_SLICE, pace.deadline.remaining())))
            except httpcore.ReadTimeout:
                if time.monotonic() >= quiet_until:
                    raise
            else:
                pace.count(len(data))
                return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _PacedStream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class PacedBackend(httpcore.NetworkBackend):
    """Makes connections that keep to the pace of the thread that reads them."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """A TCP connection; see httpcore for the arguments."""
        return _PacedStream(self._backend.connect_tcp(*args, **kwargs))
