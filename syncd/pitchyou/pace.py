"""How slow an exchange may be, and what ends it.

A timeout that starts anew with each read lets a server that sends one byte a second hold a thread for months. Hence
each read asks first whether there is time left, and the bytes that have come are counted as they come.
"""

import time
from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable


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
        self.received += size
        elapsed = self.elapsed()
        if elapsed > self.rate_grace and self.received < elapsed * self.minimum_rate:
            raise ApiUnavailable(f"PitchYou sends less than {self.minimum_rate} bytes/s")
