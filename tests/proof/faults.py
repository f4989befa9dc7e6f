"""The table of faults: each row is let happen for real by the tests that are named in `tests/faults.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.faults import FAULTS
from tests.proof.heavy import pytest
from tests.proof.summary import total

TOOLS = {
    "cc": "gcc",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "openssl": "openssl",
    "pgbouncer": "pgbouncer",
    "strace": "strace",
    "unshare": "util-linux",
}
RUNS_TESTS = True


def points() -> Iterator[str]:
    """The rows of the table."""
    yield from FAULTS


def summary(held: Mapping[str, str]) -> str:
    """What was really done, for the report."""
    return f"{total(held, r'([0-9]+) tests'):,} tests"


def prove(name: str) -> str:
    """Run the tests of one row, but for the heavy ones, which are a proof of their own. None may be skipped."""
    run = pytest(*FAULTS[name], "-m", "not proof")
    assert run.returncode == 0, run.stdout[-3000:]
    assert " skipped" not in run.stdout, run.stdout[-3000:]
    passed = re.search(r"([0-9]+) passed", run.stdout)
    assert passed, run.stdout[-3000:]
    return f"{passed[1]} tests"
