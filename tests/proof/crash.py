"""Kills a sync at each system call that touches the network, the database or the media root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.proof.summary import NOT_REACHED, done
from tests.proof.traced import traced
from tests.proof.world import busy, converge, numbered
from tests.system.processes import Site

SEEDS = (11, 23, 37)


def points() -> Iterator[str]:
    """Lists all points, as `seed:call:number`, from one run of each seed that nothing kills.

    Threads interleave differently in each run. So the point of the third fsync is the third fsync of any thread.
    """
    for seed in SEEDS:
        with busy(seed) as here:
            calls, code = traced_sync(here)
            assert code in (0, 3), code
            converge(here)
        yield from (f"{seed}:{call}:{number}" for call, number in numbered(calls))


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return done(held, "kills", SEEDS)


def prove(point: str) -> str:
    """Kills a sync at one point, restarts it, and asks the oracle. Returns the call that the kill prevented."""
    seed, call, number = point.split(":")
    with busy(int(seed)) as here:
        _, code = traced_sync(here, kill_at=(call, int(number)))
        converge(here)
    # Some runs make fewer calls than the run that listed the points.
    return call if code == -9 else NOT_REACHED


def traced_sync(here: Site, kill_at: tuple[str, int] | None = None) -> tuple[list[str], int]:
    """Runs `syncd sync` under the tracer. Returns its calls and its exit code."""
    return traced("sync", "--json", environ=here.environ, root=here.media_root, kill_at=kill_at)
