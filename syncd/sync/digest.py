"""Counts a client's cycles in this process, and logs the counts once an hour."""

import time
from collections import Counter
from dataclasses import dataclass, field

from syncd.logs import get_logger
from syncd.model import Outcome

log = get_logger(__name__)


@dataclass(slots=True)
class Digest:
    """The cycles of one client since the last summary. `every` is the time between two summaries, in seconds.

    `is_new` says that no cycle was counted yet. `every` is a little less than an hour, so that two cycles that start an
    hour apart are not counted together by chance.
    """

    every: float = 3590.0
    is_new: bool = True
    _counts: Counter[Outcome] = field(default_factory=Counter)
    _since: float = field(default_factory=time.monotonic)

    def add(self, client_id: str, outcome: Outcome) -> None:
        """Counts a cycle, and logs the summary if it is due."""
        self.is_new = False
        self._counts[outcome] += 1
        now = time.monotonic()
        if now - self._since < self.every:
            return
        log.info(
            "cycles_summary",
            client_id=client_id,
            seconds=round(now - self._since),
            cycles=self._counts.total(),
            ok=self._counts[Outcome.OK],
            partial=self._counts[Outcome.PARTIAL],
            failed=self._counts[Outcome.FAILED],
            aborted=self._counts[Outcome.ABORTED],
        )
        self._counts.clear()
        self._since = now
