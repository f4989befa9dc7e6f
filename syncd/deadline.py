"""Limits how long a piece of work may take, and carries the request to stop. The stages take time from here only."""

import threading
import time
from collections.abc import Callable

from syncd.errors import DeadlineExceeded, Stopped

Beat = Callable[[float], object]
"""Takes note that work moves, and for how many more seconds it waits on purpose."""


class Deadline:
    """Combines the moment at which work must end with a request to stop.

    It never interrupts anything: the work checks it between two steps. Safe to share between threads.

    Args:
        seconds: time left from now, on `clock`. None means that there is no limit.
        stop: another thread sets this event to make the work end early.
        clock: returns monotonic seconds; tests pass their own.
        beat: called whenever the work shows that it moves: at each check and each pause, and by others between steps.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        beat: Beat = lambda pause: None,
    ) -> None:
        self._clock, self._beat = clock, beat
        self._stop = stop or threading.Event()
        self._ends_at = None if seconds is None else clock() + seconds

    def within(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now. It shares the stop of this deadline and never outlives it."""
        left = self.remaining()
        return Deadline(min(seconds, left), stop=self._stop, clock=self._clock, beat=self._beat)

    def restarted(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now. It shares the stop of this deadline, but may outlive it."""
        return Deadline(seconds, stop=self._stop, clock=self._clock, beat=self._beat)

    def remaining(self) -> float:
        """Return the seconds left: at least 0, and infinity if there is no limit."""
        return float("inf") if self._ends_at is None else max(0.0, self._ends_at - self._clock())

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    def beat(self) -> None:
        """Show that the work moves."""
        self._beat(0.0)

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
        pause = min(seconds, self.remaining())
        self._beat(pause)
        self._stop.wait(pause)
        self.check()
