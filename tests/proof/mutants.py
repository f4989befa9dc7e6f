"""Puts small faults into a copy of the tree; a test or proof must notice each. A mutant that survives fails the proof."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.proof import power
from tests.proof.mutations import MUTANTS, Mutant
from tests.proof.power import missing
from tests.proof.source_edits import edited

__all__ = ["TOOLS", "missing", "points", "prove"]

ROOT = Path(__file__).resolve().parents[2]
RUNS_TESTS = True
TOOLS = {"strace": "strace", "cc": "gcc", **power.TOOLS}
COPIED = ("syncd", "tests", "migrations", "config", "bench", "alembic.ini", "pyproject.toml")

NONE = "no mutant: all of these tests pass"
BEFORE = ", before the proof "


def summary(held: Mapping[str, str]) -> str:
    """Says how many mutants died, for the report."""
    proofs = sum(BEFORE in name for name in held)
    return (
        f"{len(held.keys() & MUTANTS.keys())} of {len(MUTANTS)} die; {proofs} of them before a proof as well"
    )


def points() -> Iterator[str]:
    """Names the unchanged tree, on which all tests must pass, then each mutant, and again with the proof that must notice it."""
    yield NONE
    for name, mutant in MUTANTS.items():
        yield name
        if mutant.proof:
            yield f"{name}{BEFORE}{mutant.proof}"


def prove(name: str) -> str:
    """Run the tests or the proof of one mutant. Returns what noticed it; raises AssertionError if it survives."""
    with TemporaryDirectory(prefix="syncd-mutant-") as folder:
        tree = _copy(Path(folder))
        if name == NONE:
            tests = sorted({test for mutant in MUTANTS.values() for test in mutant.tests.split()})
            code, output = _test(tree, tests)
            assert code == 0, output
            assert " skipped" not in output, f"a test that is skipped notices nothing:\n{output[-2000:]}"
            return "all passed"
        title, _, proof = name.partition(BEFORE)
        mutant = MUTANTS[title]
        for path, text in edited(tree, mutant.where, mutant.edits).items():
            path.write_text(text)
        return _noticed_by_proof(tree, mutant) if proof else _noticed_by_test(tree, mutant)


def _noticed_by_test(tree: Path, mutant: Mutant) -> str:
    code, output = _test(tree, mutant.tests.split())
    noticed = re.search(r"^FAILED (\S+)", output, re.MULTILINE)
    assert code == 1, f"the mutant survives, or its tests did not run:\n{output[-2000:]}"
    assert noticed, output[-2000:]
    errors = "\n".join(line for line in output.splitlines() if line.startswith("E "))
    assert re.search(mutant.message, errors), f"noticed for another reason:\n{errors[-2000:]}"
    assert not re.search(r"Timeout \(>|not within", output), f"noticed by the clock alone:\n{output[-2000:]}"
    return noticed[1]


def _noticed_by_proof(tree: Path, mutant: Mutant) -> str:
    code, output = _run(tree, "tests.proof.one_point", mutant.proof, *mutant.points)
    assert code == 1, f"the mutant survives:\n{output[-2000:]}"
    errors = "\n".join(line for line in output.splitlines() if line.startswith("AssertionError: "))
    assert re.search(mutant.proof_message, errors), f"noticed for another reason:\n{output[-2000:]}"
    return f"tests.proof.{mutant.proof}"


def _test(tree: Path, tests: list[str]) -> tuple[int, str]:
    return _run(tree, "pytest", "-x", "-p", "no:cacheprovider", "-o", "timeout=120", *tests)


def _run(tree: Path, module: str, *arguments: str) -> tuple[int, str]:
    """Run a module in the copy; PYTHONPATH comes before the checkout that is installed."""
    run = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    return run.returncode, run.stdout


def _copy(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder
