"""Proves the table of faults: the tests that `tests/faults.py` names make each fault happen for real."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.faults import FAULTS
from tests.proof.heavy import pytest
from tests.proof.summary import total

TOOLS = {
    "cc": "gcc",
    "mount.exfat-fuse": "exfat-fuse",
    "mkfs.exfat": "exfatprogs",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "openssl": "openssl",
    "pgbouncer": "pgbouncer",
    "strace": "strace",
    "unshare": "util-linux",
}
RUNS_TESTS = True


def points() -> Iterator[str]:
    """Lists the rows of the table."""
    yield from FAULTS


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return f"{total(held, r'([0-9]+) tests'):,} tests"


def prove(name: str) -> str:
    """Runs the tests of one row, except the heavy ones, which are a separate proof. None may be skipped."""
    run = pytest(*FAULTS[name], "-m", "not proof")
    assert run.returncode == 0, run.stdout[-3000:]
    assert " skipped" not in run.stdout, run.stdout[-3000:]
    passed = re.search(r"([0-9]+) passed", run.stdout)
    assert passed, run.stdout[-3000:]
    return f"{passed[1]} tests"
