"""Proves single points of a proof again: `python -m tests.proof.one_point crash "11:rename .tmp:3"`."""

from __future__ import annotations

import argparse
import importlib


def main() -> None:
    """Proves each of the points; stops with a traceback at the first one that does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.one_point", description=__doc__)
    parser.add_argument("proof", metavar="PROOF")
    parser.add_argument("points", nargs="+", metavar="POINT")
    chosen = parser.parse_args()
    module = importlib.import_module(f"tests.proof.{chosen.proof}")
    for point in chosen.points:
        print(f"{point}: {module.prove(point)}", flush=True)


if __name__ == "__main__":
    main()
