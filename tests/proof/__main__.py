"""Every proof in turn, with its progress, and a table at the end. Ended early, it goes on where it was.

PROOF_SCALE (0 to 1) takes that share of the points, chosen by PROOF_SEED.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.proof import runner
from tests.proof.runner import Outcome

PROOFS = {
    "crash": "SIGKILL at each system call",
    "wire": "Postgres cut at each message",
    "exchanges": "HTTP broken at each exchange",
}


def main() -> int:
    """Run all proofs, or some of them. 0 when every point holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"some of: {', '.join(PROOFS)}")
    parser.add_argument("--scale", type=float, default=float(os.environ.get("PROOF_SCALE", "1")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PROOF_SEED", "1")))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    outcomes: dict[str, Outcome] = {}
    for name in chosen.proofs or PROOFS:
        outcomes[name] = runner.run(
            name, scale=chosen.scale, seed=chosen.seed, workers=chosen.workers, show=_Progress()
        )
        for point, why in outcomes[name].failed.items():
            print(f"\n{name} {point} does not hold:\n{why}", flush=True)
    print(_table(outcomes))
    return int(any(outcome.failed for outcome in outcomes.values()))


class _Progress:
    """A line that is written over on a terminal; elsewhere a new one every half minute."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, words: str) -> None:
        if sys.stdout.isatty():
            print(f"\r{words}\x1b[K", end="", flush=True)
        elif time.monotonic() >= self._next:
            print(words, flush=True)
            self._next = time.monotonic() + 30


def _table(outcomes: dict[str, Outcome]) -> str:
    lines = ["", "| proof | points | hold | fail | seconds |", "|---|---|---|---|---|"]
    for name, each in outcomes.items():
        counts = (each.points, len(each.held), len(each.failed), round(each.seconds))
        lines.append(f"| {PROOFS[name]} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
