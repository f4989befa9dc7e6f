"""One point again, or a few of one proof, when one did not hold: `python -m tests.proof.one_point crash "11:rename .tmp:3"`."""

from __future__ import annotations

import argparse
import importlib


def main() -> None:
    """Prove each of the points; the first that does not hold ends it with its traceback."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.one_point", description=__doc__)
    parser.add_argument("proof", metavar="PROOF")
    parser.add_argument("points", nargs="+", metavar="POINT")
    chosen = parser.parse_args()
    module = importlib.import_module(f"tests.proof.{chosen.proof}")
    for point in chosen.points:
        print(f"{point}: {module.prove(point)}", flush=True)


if __name__ == "__main__":
    main()
