"""Measures how long each stage of a cycle takes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, get_args

Stage = Literal["recover", "land", "fetch", "confirm", "report"]

STAGES: tuple[Stage, ...] = get_args(Stage)


class StageClock:
    """The seconds of each stage so far. A stage inside another one does not count for the outer one.

    Belongs to the thread of the cycle.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.seconds: dict[Stage, float] = {}
        self._running: list[Stage] = []
        self._since = 0.0

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Count the time inside the `with` for this stage."""
        self._settle()
        self._running.append(stage)
        try:
            yield
        finally:
            self._settle()
            self._running.pop()

    def _settle(self) -> None:
        now = self._clock()
        if self._running:
            stage = self._running[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now
