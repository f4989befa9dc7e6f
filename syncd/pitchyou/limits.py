"""Ends an exchange that would not end by itself.

A timeout that starts again with each read lets a server that sends one byte a second hold a thread for months. So a
`Watch` is checked repeatedly while an exchange runs, and raises once any limit is passed.
"""

import time
from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.pitchyou.failures import too_slow


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and bytes per second."""

    connect: float = 10.0  # for name lookup, TCP and TLS, with all addresses of the host together
    first_byte: float = 120.0  # a server may need long to gather years of applications
    between_chunks: float = 15.0
    rate_grace: float = 10.0  # seconds of a body before the minimum rate counts
    minimum_rate: int = 1024  # averaged over the whole body


class Watch:
    """Watches one exchange. Waiting for a free connection does not count: the clock starts with the first `check`."""

    def __init__(self, deadline: Deadline, limits: Limits) -> None:
        self.deadline, self.limits = deadline, limits
        self._began: float | None = None
        self._head_at: float | None = None
        self._received, self._received_at = 0, 0.0

    def check(self, received: int = 0, *, headed: bool = False) -> None:
        """Raise if a limit is passed. The exception ends the exchange.

        Args:
            received: bytes of the body so far.
            headed: whether the head of the response is complete.

        Raises:
            ApiUnavailable: the server is too slow.
            Stopped, DeadlineExceeded: see `Deadline`.
        """
        self.deadline.check()
        now, limits = time.monotonic(), self.limits
        self._began = self._began or now
        if not headed:
            if now - self._began > limits.first_byte:
                raise too_slow(f"had not begun to respond after {limits.first_byte:g} s")
            return
        self._head_at = self._head_at or now
        if received != self._received or not self._received_at:
            self._received, self._received_at = received, now
        if now - self._received_at > limits.between_chunks:
            raise too_slow(f"sent nothing for {limits.between_chunks:g} s in the middle of a response")
        elapsed = now - self._head_at
        if elapsed > limits.rate_grace and received < elapsed * limits.minimum_rate:
            raise too_slow(f"sends less than {limits.minimum_rate} bytes/s")
