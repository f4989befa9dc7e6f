"""How long a piece of work may take, and whether it was asked to stop: the only source of time for the stages."""

import threading
import time
from collections.abc import Callable

from syncd.errors import DeadlineExceeded, Stopped


class Deadline:
    """A moment on a monotonic clock after which work ends, joined with a request to stop.

    It never interrupts anything: whoever works asks it between two steps. Safe to share between threads.

    Args:
        seconds: from now, on `clock`. None means no end.
        stop: set by whoever wants the work to end early.
        clock: monotonic seconds; tests pass their own.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._stop = stop or threading.Event()
        self._ends_at = None if seconds is None else clock() + seconds

    def within(self, seconds: float) -> "Deadline":
        """A deadline `seconds` from now that shares this one's stop and never outlives it."""
        left = self.remaining()
        return Deadline(min(seconds, left), stop=self._stop, clock=self._clock)

    def anew(self, seconds: float) -> "Deadline":
        """A deadline `seconds` from now that shares this one's stop but may outlive it."""
        return Deadline(seconds, stop=self._stop, clock=self._clock)

    def remaining(self) -> float:
        """Seconds left, at least 0; infinite without an end."""
        return float("inf") if self._ends_at is None else max(0.0, self._ends_at - self._clock())

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise `Stopped` or `DeadlineExceeded` if the work should end now."""
        if self._stop.is_set():
            raise Stopped("stopped on request; the next cycle goes on from here")
        if self.remaining() <= 0:
            raise DeadlineExceeded("the deadline has passed; the next cycle goes on from here")

    def sleep(self, seconds: float) -> None:
        """Wait, but wake at once on a stop; raise as `check` does before and after."""
        self.check()
        self._stop.wait(min(seconds, self.remaining()))
        self.check()
