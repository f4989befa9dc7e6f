"""SIGKILL at each system call that touches the network, the database or the media root."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proof.forked import traced
from tests.proof.world import busy, converge
from tests.system.processes import Site

SEEDS = (11, 23, 37)


def points() -> Iterator[str]:
    """All points, as `seed:number`: what one run of each seed does when nothing kills it."""
    for seed in SEEDS:
        with busy(seed) as here:
            calls, code = traced_sync(here)
            assert code in (0, 3), code
            converge(here)
        yield from (f"{seed}:{number}" for number in range(1, len(calls) + 1))


def prove(point: str) -> str:
    """Kill a sync at one point, restart, and ask the oracle. Returns the call that was not made any more."""
    seed, number = map(int, point.split(":"))
    with busy(seed) as here:
        calls, _ = traced_sync(here, kill_at=number)
        converge(here)
    # Threads do not run alike each time: now and then a run makes fewer calls than the one that was counted.
    return calls[number - 1] if len(calls) >= number else "not reached"


def traced_sync(here: Site, kill_at: int | None = None) -> tuple[list[str], int]:
    """`syncd sync` under the tracer: its calls, and how it ended."""
    return traced("sync", "--json", environ=here.environ, root=here.media_root, kill_at=kill_at)
