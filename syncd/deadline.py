"""Limits how long a piece of work may take, and carries the request to stop. The stages take time from here only."""

import threading
import time
from collections.abc import Callable

from syncd.errors import DeadlineExceeded, Stopped

# Seconds between two beats while work waits on purpose.
LONGEST_PAUSE = 5.0


class Deadline:
    """Combines the moment at which work must end with a request to stop.

    It never interrupts anything: the work checks it between two steps. Safe to share between threads.

    Args:
        seconds: time left from now, on `clock`. None means that there is no limit.
        stop: another thread sets this event to make the work end early.
        clock: returns monotonic seconds; tests pass their own.
        beat: called whenever the work shows that it moves: at each check, and by others between two steps.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        beat: Callable[[], object] = lambda: None,
    ) -> None:
        self._clock, self.beat = clock, beat
        self._stop = stop or threading.Event()
        self._ends_at = None if seconds is None else clock() + seconds

    def within(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now. It shares the stop of this deadline and never outlives it."""
        left = self.remaining()
        return Deadline(min(seconds, left), stop=self._stop, clock=self._clock, beat=self.beat)

    def restarted(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now. It shares the stop of this deadline, but may outlive it."""
        return Deadline(seconds, stop=self._stop, clock=self._clock, beat=self.beat)

    def remaining(self) -> float:
        """Return the seconds left: at least 0, and infinity if there is no limit."""
        return float("inf") if self._ends_at is None else max(0.0, self._ends_at - self._clock())

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise `Stopped` or `DeadlineExceeded` if the work must end now."""
        self.beat()
        if self._stop.is_set():
            raise Stopped("stopped on request; the next cycle continues from here")
        if self.remaining() <= 0:
            raise DeadlineExceeded("the deadline has passed; the next cycle continues from here")

    def sleep(self, seconds: float) -> None:
        """Wait, but wake at once on a stop. Call `check` before and after."""
        self.check()
        ends_at = time.monotonic() + min(seconds, self.remaining())
        # Waiting on purpose does not count as a standstill, however long it takes.
        while (left := ends_at - time.monotonic()) > 0 and not self._stop.wait(min(left, LONGEST_PAUSE)):
            self.beat()
        self.check()
