"""SIGKILL at each system call that touches the network, the database or the media root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.proof.world import busy, converge
from tests.system.processes import CLEAN, SYNCD, Site

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (11, 23, 37)
TRACER = (sys.executable, "-m", "tests.proof.tracer")


def points() -> Iterator[str]:
    """All points, as `seed:number`: what one run of each seed does when nothing kills it."""
    for seed in SEEDS:
        with busy(seed) as here:
            report = traced_sync(here)
            assert report["exit"] in (0, 3), report
            converge(here)
        yield from (f"{seed}:{number}" for number in range(1, len(report["calls"]) + 1))


def prove(point: str) -> str:
    """Kill a sync at one point, restart, and ask the oracle. Returns the call that was not made any more."""
    seed, number = map(int, point.split(":"))
    with busy(seed) as here:
        report = traced_sync(here, kill_at=number)
        converge(here)
    # Threads do not run alike each time: now and then a run makes fewer calls than the one that was counted.
    return report["calls"][number - 1] if len(report["calls"]) >= number else "not reached"


def traced_sync(here: Site, kill_at: int | None = None) -> dict[str, Any]:
    """`syncd sync` under the tracer: its calls, and how it ended."""
    report = here.folder / "calls.json"
    kill = ["--kill", str(kill_at)] if kill_at else []
    subprocess.run(
        [
            *TRACER,
            "--root",
            str(here.media_root),
            "--report",
            str(report),
            *kill,
            "--",
            *SYNCD,
            "sync",
            "--json",
        ],
        cwd=ROOT,
        env={**CLEAN, **here.environ, "PATH": os.environ["PATH"]},
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found: dict[str, Any] = json.loads(report.read_text())
    return found
