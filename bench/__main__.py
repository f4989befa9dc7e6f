"""Run the benchmark: `python -m bench` to notice a regression, `--scale full` for the figures of docs/performance.md."""

import argparse
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench import media, process, report, text
from bench.machine import WORK, Database
from bench.results import PATH, Results
from bench.scale import SCALES, SHORT, Scale

SAVED = WORK / "results.json"
ROWS: dict[str, Callable[[Scale, Database, Results], None]] = {
    "idle": process.idle,
    "loads": text.loads,
    "memory": text.memory,
    "starts": process.starts,  # after `memory`, in the store that it has filled
    "files": media.files,
    "whole": media.whole,
    "latency": process.latency,
}


def main() -> None:
    """Run all rows, or some of them, and report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scale", choices=list(SCALES), default="short", help="3 minutes, 6, or 40")
    parser.add_argument(
        "--only", choices=list(ROWS), action="append", help="some rows; nothing is written to docs/"
    )
    parser.add_argument(
        "--report", action="store_true", help="write docs/ from what the newest run has saved"
    )
    chosen = parser.parse_args()
    if chosen.report:
        _write(Results.load(SAVED))
        return
    scale = SCALES[chosen.scale]
    WORK.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(WORK)  # where the list is spooled: on the disk, whatever /tmp is
    database = Database()
    try:
        results = Results(scale.name, f"{datetime.now(UTC):%Y-%m-%d}", process.machine(database))
        for name in chosen.only or ROWS:
            began = time.monotonic()
            print(f"{name} …", flush=True)
            ROWS[name](scale, database, results)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
            results.save(SAVED)
    finally:
        database.server.close()
    print(report.as_text(results))
    if scale is not SHORT and not chosen.only:
        _write(results)


def _write(results: Results) -> None:
    results.save(PATH)
    report.write(results)


if __name__ == "__main__":
    main()
