"""Breaks each HTTP exchange before its effect, in the middle of its answer, and after its effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncd.sandbox.faults import Fault
from tests.proof.summary import NOT_REACHED, done
from tests.proof.world import SMALL_STEPS, busy, converge, cycle

SEEDS = (11, 23, 37)
KINDS = ("drop_before", "truncate", "drop_after")


def points() -> Iterator[str]:
    """Lists all points, as `seed:number:kind`."""
    for seed in SEEDS:
        with busy(seed) as here:
            before = len(here.sandbox.ledger.requests)
            cycle(here, **SMALL_STEPS)
            here.assert_complete()
            total = len(here.sandbox.ledger.requests) - before
        yield from (f"{seed}:{number}:{kind}" for number in range(1, total + 1) for kind in KINDS)


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return done(held, "exchanges broken", SEEDS)


def prove(point: str) -> str:
    """Breaks one exchange, lets the cycle continue as it can, restarts, and asks the oracle. Returns the broken request."""
    seed, number, kind = point.split(":")
    with busy(int(seed)) as here:
        before = len(here.sandbox.ledger.requests)
        here.sandbox.inject(Fault(on="any", kind=kind, after=int(number) - 1))
        cycle(here, **SMALL_STEPS)
        requests = here.sandbox.ledger.requests[before:]
        here.sandbox.clear_faults()
        converge(here)
    if len(requests) < int(number):
        return NOT_REACHED
    return f"{kind} {requests[int(number) - 1].path}"
