"""Looks at what may stand still, such as Postgres or a disk, without standing still itself."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from syncd.errors import NO_THREAD, SyncdError
from syncd.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What the newest look has brought.

    Attributes:
        value: what the newest look that went well has brought; None before.
        age: the seconds since that look; 0.0 before.
        problem: why the newest look has brought nothing, or what it waits for. None if it went well.
    """

    value: T | None
    age: float
    problem: str | None


class Look(Generic[T]):
    """Takes a look when somebody asks, in a thread of its own, and keeps what it saw. Safe to share between threads.

    While a look stands still, no other one begins, and nobody waits for it any more.

    Args:
        look: returns what it sees, or raises SyncdError. It first calls its argument with what it is about to ask.
        every: seconds for which what was seen counts.
        limit: seconds that a look may take, and that somebody waits for it.
    """

    def __init__(
        self, look: Callable[[Callable[[str], None]], T], *, every: float, limit: float = 2.0
    ) -> None:
        self._look, self._every, self._limit = look, every, limit
        self._condition = threading.Condition()
        self._value: T | None = None
        self._seen_at = 0.0
        self._problem: str | None = None
        # When the present look has begun, if one is under way; when the last one ended; and what it asks now.
        self._began_at: float | None = None
        self._ended_at = float("-inf")
        self._asked = "syncd"
        self._crashed = False

    def begin(self) -> None:
        """Begin a look if one is due. `newest` waits for it."""
        with self._condition:
            now = time.monotonic()
            if self._began_at is not None or now - self._ended_at < self._every:
                return
            self._began_at = now
            try:
                threading.Thread(target=self._take, name="look", daemon=True).start()
            except RuntimeError:
                self._end(NO_THREAD)

    def newest(self) -> Seen[T]:
        """Return what the newest look has seen. Takes a look first, if one is due."""
        self.begin()
        with self._condition:
            while self._began_at is not None:
                left = self._began_at + self._limit - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)
            now = time.monotonic()
            problem = self._problem
            if self._began_at is not None:
                problem = f"{self._asked} has not answered for {now - self._began_at:.0f} s."
            return Seen(self._value, now - self._seen_at if self._value is not None else 0.0, problem)

    def _take(self) -> None:
        try:
            value = self._look(self._note)
        except SyncdError as error:
            problem = " ".join(str(error).split())
        except Exception:
            if not self._crashed:
                log.exception("web_look_crashed")
            self._crashed, problem = True, f"A look at {self._asked} has failed. The log of syncd has more."
        else:
            with self._condition:
                self._value, self._seen_at, self._crashed = value, time.monotonic(), False
                self._end(None)
            return
        with self._condition:
            self._end(problem)

    def _note(self, asked: str) -> None:
        self._asked = asked

    def _end(self, problem: str | None) -> None:
        self._problem, self._began_at, self._ended_at = problem, None, time.monotonic()
        self._condition.notify_all()
