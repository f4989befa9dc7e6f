"""Kills a sync at a system call, and its restart at another one: recovery itself may be interrupted."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from tests.proof.crash import SEEDS, traced_sync
from tests.proof.summary import NOT_REACHED, done
from tests.proof.world import busy, converge

PAIRS = 200  # per seed


def points() -> Iterator[str]:
    """Lists pairs of call numbers, as `seed:first:second`, drawn evenly from the calls of a complete run."""
    for seed in SEEDS:
        with busy(seed) as here:
            calls, _ = traced_sync(here)
        numbers = random.Random(seed)
        for _ in range(PAIRS):
            first = numbers.randint(1, len(calls))
            # The later the first kill, the less the restart has to do; a smaller range reaches more of its calls.
            yield f"{seed}:{first}:{numbers.randint(1, max(60, len(calls) - first))}"


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return done(held, "kills", SEEDS, each=2)


def prove(point: str) -> str:
    """Kills a sync, kills its restart, restarts once more, and asks the oracle. Returns the call that the second kill prevented."""
    seed, first, second = map(int, point.split(":"))
    with busy(seed) as here:
        _, earlier = traced_sync(here, kill_at=("", first))
        calls, code = traced_sync(here, kill_at=("", second))
        converge(here)
    return calls[second - 1] if earlier == code == -9 else NOT_REACHED
