"""SIGKILL at a system call, and once more at one of those that the restart makes: recovery itself may be broken off."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from tests.proof.crash import SEEDS, traced_sync
from tests.proof.summary import NOT_REACHED, done
from tests.proof.world import busy, converge

PAIRS = 200  # for each seed


def points() -> Iterator[str]:
    """Pairs of numbers, as `seed:first:second`. Which calls they are is drawn evenly from those of a whole run."""
    for seed in SEEDS:
        with busy(seed) as here:
            calls, _ = traced_sync(here)
        numbers = random.Random(seed)
        for _ in range(PAIRS):
            first = numbers.randint(1, len(calls))
            # What is left to do is less than the whole, so that more of the second calls are reached.
            yield f"{seed}:{first}:{numbers.randint(1, max(60, len(calls) - first))}"


def summary(held: Mapping[str, str]) -> str:
    """What was really done, for the report."""
    return done(held, "kills", SEEDS, each=2)


def prove(point: str) -> str:
    """Kill a sync, kill its restart, restart once more, and ask the oracle. Returns the second call not made any more."""
    seed, first, second = map(int, point.split(":"))
    with busy(seed) as here:
        _, earlier = traced_sync(here, kill_at=("", first))
        calls, code = traced_sync(here, kill_at=("", second))
        converge(here)
    return calls[second - 1] if earlier == code == -9 else NOT_REACHED
