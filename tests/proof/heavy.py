"""Runs the tests marked `proof`, which are too heavy for every run of the suite. Each test is a point."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"chromium": "chromium"}
RUNS_TESTS = True


def points() -> Iterator[str]:
    """Lists their names, as pytest prints them."""
    listed = pytest("tests", "-m", "proof", "--collect-only")
    assert listed.returncode == 0, listed.stdout[-3000:]
    yield from (line for line in listed.stdout.splitlines() if "::" in line)


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return f"{len(held)} tests"


def prove(name: str) -> str:
    """Runs one of the tests."""
    run = pytest(name, "-m", "proof")
    assert run.returncode == 0, run.stdout[-3000:]
    assert " skipped" not in run.stdout, run.stdout[-3000:]
    return name.partition("::")[0]


def pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a new process."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
