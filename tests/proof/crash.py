"""SIGKILL at each system call that touches the network, the database or the media root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.proof.summary import NOT_REACHED, done
from tests.proof.traced import traced
from tests.proof.world import busy, converge, numbered
from tests.system.processes import Site

SEEDS = (11, 23, 37)


def points() -> Iterator[str]:
    """All points, as `seed:call:number`: what one run of each seed does when nothing kills it.

    Threads do not run alike each time; so the third fsync is the third, whatever the others do meanwhile.
    """
    for seed in SEEDS:
        with busy(seed) as here:
            calls, code = traced_sync(here)
            assert code in (0, 3), code
            converge(here)
        yield from (f"{seed}:{call}:{number}" for call, number in numbered(calls))


def summary(held: Mapping[str, str]) -> str:
    """What was really done, for the report."""
    return done(held, "kills", SEEDS)


def prove(point: str) -> str:
    """Kill a sync at one point, restart, and ask the oracle. Returns the call that was not made any more."""
    seed, call, number = point.split(":")
    with busy(int(seed)) as here:
        _, code = traced_sync(here, kill_at=(call, int(number)))
        converge(here)
    # Now and then a run makes fewer calls than the one that was counted.
    return call if code == -9 else NOT_REACHED


def traced_sync(here: Site, kill_at: tuple[str, int] | None = None) -> tuple[list[str], int]:
    """`syncd sync` under the tracer: its calls, and how it ended."""
    return traced("sync", "--json", environ=here.environ, root=here.media_root, kill_at=kill_at)
