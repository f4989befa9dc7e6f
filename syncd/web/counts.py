"""Counts what the cycles of this process have done, as plain numbers. `metrics.py` shows them."""

import threading
from collections import Counter

from syncd.model import Outcome
from syncd.pitchyou.failures import RETRY_REASONS
from syncd.sync.client_cycle import Ended
from syncd.sync.stage_clock import STAGES, Stage

RESULTS = ("new", "changed", "unchanged", "quarantined", "confirmed", "confirm_refused")
"""The results of profiles, by their names in a cycle's tally."""


class Counts:
    """The counters since the start of the process. Safe to share between threads, under `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.cycles = Counter[tuple[str, str]]()
        self.profiles = Counter[tuple[str, str]]()
        self.media_bytes = Counter[str]()
        self.stage_seconds: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
        self.retries = Counter(dict.fromkeys((*RETRY_REASONS, "other"), 0))

    def add(self, client_id: str, ended: Ended) -> None:
        """Count a cycle."""
        with self.lock:
            self.cycles[client_id, ended.outcome.value] += 1
            for result in RESULTS:
                self.profiles[client_id, result] += getattr(ended.tally, result)
            self.media_bytes[client_id] += ended.tally.media_bytes
            for stage, seconds in ended.stage_seconds.items():
                self.stage_seconds[stage] += seconds
            for reason, times in ended.retries.items():
                self.retries[reason if reason in RETRY_REASONS else "other"] += times

    def keep(self, client_ids: list[str]) -> None:
        """Forget all other clients, and let the counters of these begin at 0. The caller holds the lock."""
        for client_id in client_ids:
            self.media_bytes[client_id] += 0
            for outcome in Outcome:
                self.cycles[client_id, outcome.value] += 0
            for result in RESULTS:
                self.profiles[client_id, result] += 0
        for client_id in self.media_bytes.keys() - set(client_ids):
            del self.media_bytes[client_id]
            for outcome in Outcome:
                del self.cycles[client_id, outcome.value]
            for result in RESULTS:
                del self.profiles[client_id, result]
