"""Knows which cycles run, when each of them last moved, and which ones stand still. `Liveness.report` tells others."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from syncd.deadline import Beat

# All in seconds.
# How long a cycle may take for one thing: a statement of Postgres, an fsync, a piece of a response.
STANDSTILL = 45.0
# Less than that never counts as a standstill, however short `sync.cycle_deadline` is.
SHORTEST = 5.0
# How long a cycle may be due without beginning.
OVERDUE = 30.0


@dataclass(frozen=True, slots=True)
class Stalled:
    """A client whose cycle stands still, or has not begun although it is due. `seconds`: for how long."""

    client_id: str
    kind: Literal["stalled", "overdue"]
    seconds: float


class _Cycle:
    __slots__ = ("limit", "moved_at")

    def __init__(self, limit: float, now: float) -> None:
        self.limit, self.moved_at = limit, now


class Liveness:
    """The heartbeats of this process's cycles, in memory. Safe to share between threads.

    A cycle moves if it takes the next step: a statement, a check of its deadline, a piece of a response. It checks its
    deadline at least once a second while it waits for PitchYou, and says for how long it waits on purpose.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._running: dict[str, _Cycle] = {}
        # How many due cycles of a client were begun, or skipped for a running one; and since when one is due that was not.
        self._runs: dict[str, int] = {}
        self._due_since: dict[str, float] = {}

    def begin(self, client_id: str, *, cycle_deadline: float) -> Beat:
        """Note that a cycle begins. Returns what its deadline calls whenever it moves, from any thread.

        Args:
            cycle_deadline: seconds that the cycle may take in all.
        """
        cycle = _Cycle(max(SHORTEST, min(STANDSTILL, cycle_deadline)), self._clock())
        with self._lock:
            self._running[client_id] = cycle
            self._due_since.pop(client_id, None)

        def beat(pause: float) -> None:
            # Another thread of the cycle may still wait on purpose.
            cycle.moved_at = max(cycle.moved_at, self._clock() + pause)

        return beat

    def end(self, client_id: str) -> None:
        """Note that the client's cycle has ended."""
        with self._lock:
            self._running.pop(client_id, None)

    def note_run(self, client_id: str) -> None:
        """Note that a cycle that was due begins, or is skipped because one is running."""
        with self._lock:
            self._runs[client_id] = self._runs.get(client_id, 0) + 1

    def runs(self, client_id: str) -> int:
        """Return how often `note_run` was called for the client."""
        with self._lock:
            return self._runs.get(client_id, 0)

    def note_due(self, client_id: str, *, due: bool) -> None:
        """Note whether a cycle of the client is due now that has not begun."""
        with self._lock:
            if due and client_id not in self._running:
                self._due_since.setdefault(client_id, self._clock())
            else:
                self._due_since.pop(client_id, None)

    def running(self) -> list[str]:
        """Return the clients whose cycle runs now."""
        with self._lock:
            return sorted(self._running)

    def report(self) -> list[Stalled]:
        """Return the clients whose cycle stands still or is overdue, by client_id."""
        now = self._clock()
        with self._lock:
            stalled = [
                Stalled(client_id, "stalled", now - cycle.moved_at)
                for client_id, cycle in self._running.items()
                if now - cycle.moved_at > cycle.limit
            ]
            overdue = [
                Stalled(client_id, "overdue", now - since)
                for client_id, since in self._due_since.items()
                if now - since > OVERDUE
            ]
        return sorted([*stalled, *overdue], key=lambda each: each.client_id)
