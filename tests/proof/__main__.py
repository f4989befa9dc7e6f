"""Runs the proofs one after the other, shows the progress, and prints a table at the end. Resumes an interrupted run.

PROOF_SCALE (0 to 1) limits a run to this share of the points; PROOF_SEED selects them.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from tests.proof import runner
from tests.proof.runner import Outcome
from tests.proof.summary import NOT_REACHED

PROOFS = {
    "crash": "SIGKILL at each system call",
    "twice": "SIGKILL at a system call, and again in the restart",
    "commands": "SIGKILL at each system call of the other commands",
    "wire": "Postgres cut off at each message",
    "exchanges": "HTTP broken at each exchange",
    "power": "power cut, on ext4 and on XFS",
    "fuzz": "elements and lists that hypothesis builds",
    "model": "whatever happens to three clients, against a model",
    "replicas": "three daemons, one killed or frozen in each round",
    "longrun": "thirty days, twice, and a clock that is set",
    "mutants": "faults in a copy of syncd, each noticed by a test",
    "faults": "the table of faults, row by row",
    "heavy": "heavy tests",
}
# These run one after the other, in parallel with the rest, since they mostly wait.
BESIDE = ("longrun", "heavy")
REPORT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- proof: written by `make proof ARGS=--report` -->", "<!-- proof: end -->"


def main() -> int:
    """Runs all proofs, or the given ones. Returns 0 if every point holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"some of: {', '.join(PROOFS)}")
    parser.add_argument("--scale", type=float, default=float(os.environ.get("PROOF_SCALE", "1")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PROOF_SEED", "1")))
    parser.add_argument("--workers", type=int, default=1 + (os.cpu_count() or 1))
    parser.add_argument("--report", action="store_true", help=f"write the table into {REPORT.name}")
    chosen = parser.parse_args()
    names = chosen.proofs or list(PROOFS)
    if unknown := set(names) - set(PROOFS):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}")
    if chosen.report and (chosen.scale < 1 or set(names) != set(PROOFS)):
        parser.error("--report is for all proofs, whole")
    if lacking := runner.missing(names):
        print(*lacking, sep="\n", file=sys.stderr)
        return 2
    began = time.monotonic()
    outcomes = _run(names, chosen)
    table = _table(outcomes, time.monotonic() - began, chosen.scale, chosen.seed)
    print(f"\n{table}")
    failed = any(outcome.failed for outcome in outcomes.values())
    if chosen.report and not failed:
        before, _, rest = REPORT.read_text().partition(BEGIN)
        REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return int(failed)


def _run(names: list[str], chosen: argparse.Namespace) -> dict[str, Outcome]:
    progress = _Progress()

    def one(name: str) -> Outcome:
        workers = 1 if name in BESIDE and len(names) > 1 else chosen.workers
        return runner.run(
            name,
            scale=chosen.scale,
            seed=chosen.seed,
            workers=workers,
            show=progress.show,
            tell=progress.tell,
        )

    with ThreadPoolExecutor(1) as beside:
        running = {name: beside.submit(one, name) for name in names if name in BESIDE}
        outcomes = {name: one(name) for name in names if name not in BESIDE}
        outcomes |= {name: future.result() for name, future in running.items()}
    return {name: outcomes[name] for name in names}


class _Progress:
    """Shows the progress: on a terminal as one line that changes, elsewhere as a new line every 30 seconds."""

    def __init__(self) -> None:
        self._next = 0.0
        self._lock = threading.Lock()

    def tell(self, words: str) -> None:
        """Prints lines that stay."""
        with self._lock:
            print(f"\n{words}", flush=True)

    def show(self, words: str) -> None:
        """Shows the current progress."""
        with self._lock:
            if sys.stdout.isatty():
                print(f"\r{words}\x1b[K", end="", flush=True)
            elif time.monotonic() >= self._next:
                print(words, flush=True)
                self._next = time.monotonic() + 30


def _table(outcomes: dict[str, Outcome], seconds: float, scale: float, seed: int) -> str:
    lines = [
        "| proof | points | hold | not reached | fail | what was done | minutes |",
        "|---|---:|---:|---:|---:|---|---:|",
    ]
    for name, each in outcomes.items():
        # Some runs make fewer calls than the run that listed the points, so they do not reach their point.
        missed = each.kinds[NOT_REACHED]
        counts = f"{each.points:,} | {len(each.held) - missed:,} | {missed:,} | {len(each.failed):,}"
        lines.append(f"| {PROOFS[name]} | {counts} | {each.summary} | {each.seconds / 60:.1f} |")
    share = "every point" if scale == 1 else f"a share of {scale:g}, chosen by seed {seed}"
    before = sum(each.before for each in outcomes.values())
    resumed = f"; {before:,} points were proven by a run of the same code before" if before else ""
    if failed := sum(each.failed_before for each in outcomes.values()):
        resumed += f", and {failed:,} had failed in one"
    lines += ["", f"{datetime.now().astimezone():%Y-%m-%d}, {seconds / 60:.0f} minutes, {share}{resumed}."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
