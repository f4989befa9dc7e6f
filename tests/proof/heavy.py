"""The tests marked `proof`: too heavy for each run of the suite, and each a point of its own here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"chromium": "chromium"}
RUNS_TESTS = True


def points() -> Iterator[str]:
    """Their names, as pytest has them."""
    listed = pytest("tests", "-m", "proof", "--collect-only")
    assert listed.returncode == 0, listed.stdout[-3000:]
    yield from (line for line in listed.stdout.splitlines() if "::" in line)


def summary(held: Mapping[str, str]) -> str:
    """What was really done, for the report."""
    return f"{len(held)} tests"


def prove(name: str) -> str:
    """Run one of them."""
    run = pytest(name, "-m", "proof")
    assert run.returncode == 0, run.stdout[-3000:]
    assert " skipped" not in run.stdout, run.stdout[-3000:]
    return name.partition("::")[0]


def pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
