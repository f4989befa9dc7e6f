"""Proves the points in several processes and records each result, so that an interrupted run can resume."""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.proof.summary import NOT_REACHED

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".proof"
MAY_BE_MISSED = 0.02  # of the points
PR_SET_PDEATHSIG = 1  # linux/prctl.h
Show = Callable[[str], None]


@dataclass
class Outcome:
    """The result of one proof: the points that hold, with their results, and those that fail, with their errors.

    An earlier, interrupted run has proven `before` of the points, and `failed_before` of them have failed in it. The
    other points took `seconds`; `summary` says what was really done.
    """

    points: int
    held: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    before: int = 0
    failed_before: int = 0
    seconds: float = 0.0
    summary: str = ""

    @property
    def kinds(self) -> Counter[str]:
        """The number of points with each result."""
        return Counter(self.held.values())


def run(name: str, *, scale: float, seed: int, workers: int, show: Show, tell: Show) -> Outcome:
    """Proves the points of `tests.proof.{name}` that are not proven yet.

    Args:
        scale: the share of the points; `seed` selects them.
        show: called with the current progress.
        tell: called with each point that does not hold, and the reason.
    """
    began = time.monotonic()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_be_quiet) as pool:
        digest = pool.submit(_digest_of_the_code, name).result()
        state = _State(name, digest)
        points = state.points(lambda: pool.submit(_points, name).result())
        if scale < 1:
            points = sorted(random.Random(seed).sample(points, max(1, round(scale * len(points)))))
        assert points, f"{name} has no points"
        outcome = Outcome(len(points))
        outcome.held = {point: state.held[point] for point in points if point in state.held}
        outcome.before = len(outcome.held)
        outcome.failed_before = len(state.failed.intersection(points))
        running = {pool.submit(_prove, name, each): each for each in points if each not in outcome.held}
        show(f"{name}: {len(outcome.held):,} of {len(points):,} proven before")
        for each in as_completed(running):
            point, (holds, words, seconds) = running[each], each.result()
            (outcome.held if holds else outcome.failed)[point] = words
            state.note(point, words, seconds, holds=holds)
            if not holds:
                tell(f"{name} {point} does not hold:\n{words}")
            done = len(outcome.held) + len(outcome.failed)
            show(f"{name}: {done:,} of {len(points):,}, {len(outcome.failed)} failed")
        if pool.submit(_digest_of_the_code, name).result() != digest:
            outcome.failed["the whole"] = "syncd or the proof was changed meanwhile: run it again"
            tell(f"{name}: {outcome.failed['the whole']}")
        if (missed := outcome.kinds[NOT_REACHED]) > MAY_BE_MISSED * len(points):
            outcome.failed["the whole"] = f"{missed} of {len(points)} points were not reached"
            tell(f"{name}: {outcome.failed['the whole']}")
        outcome.summary = pool.submit(_summary, name, outcome.held).result()
    outcome.seconds = time.monotonic() - began
    return outcome


def _module(name: str) -> Any:
    return importlib.import_module(f"tests.proof.{name}")


def missing(names: Sequence[str]) -> list[str]:
    """Returns sentences about what this machine lacks for these proofs; one is the command that installs all the tools."""
    modules = [_module(name) for name in names]
    needed = dict(pair for module in modules for pair in getattr(module, "TOOLS", {}).items())
    packages = sorted({package for tool, package in needed.items() if shutil.which(tool) is None})
    lacking = [words for module in modules if (words := getattr(module, "missing", lambda: None)())]
    if packages:
        lacking.append(f"Tools are missing. On Debian: apt-get install --yes {' '.join(packages)}")
    return lacking


def _be_quiet() -> None:
    """Discards syncd's logs, which would hide the progress, and lets the worker end together with its parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _points(name: str) -> list[str]:
    return list(_module(name).points())


def _summary(name: str, held: Mapping[str, str]) -> str:
    return str(_module(name).summary(held))


def _prove(name: str, point: str) -> tuple[bool, str, float]:
    began = time.monotonic()
    try:
        return True, str(_module(name).prove(point)), time.monotonic() - began
    except Exception:  # after any error, the point does not hold
        return False, traceback.format_exc(limit=-3), time.monotonic() - began


class _State:
    """Keeps the points of one proof and their results on disk. Results are only valid for the same code."""

    def __init__(self, name: str, digest: str) -> None:
        STATE.mkdir(exist_ok=True)
        self._path = STATE / f"{name}.{digest}.jsonl"
        lines = list(self._lines())
        self._points: list[str] | None = lines[0]["points"] if lines else None
        found = lines[1:]
        self.held: dict[str, str] = {line["point"]: line["words"] for line in found if line["holds"]}
        self.failed = {line["point"] for line in found if not line["holds"]}

    def points(self, find: Callable[[], list[str]]) -> list[str]:
        if self._points is None:
            self._points = find()
            self._write({"points": self._points})
        return self._points

    def note(self, point: str, words: str, seconds: float, *, holds: bool) -> None:
        self._write({"point": point, "words": words, "seconds": round(seconds, 2), "holds": holds})

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._path.exists():
            whole, _, _ = self._path.read_text().rpartition("\n")
            # Drop a line that was only partly written.
            self._path.write_text(f"{whole}\n" if whole else "")
            yield from map(json.loads, whole.splitlines())

    def _write(self, fact: dict[str, Any]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(fact) + "\n")


def _digest_of_the_code(name: str) -> str:
    """Hashes syncd and the test modules of the proof; must run in a process that has loaded no other test modules."""
    all_tests = getattr(_module(name), "RUNS_TESTS", False)
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    digest = hashlib.sha256()
    for folder in ("syncd", "migrations", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name != "__main__.py" and (folder != "tests" or all_tests or str(path) in loaded):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
