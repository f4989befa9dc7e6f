"""`make release` tags and builds a version that is complete, and refuses every other one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from syncd import __version__

ROOT = Path(__file__).parents[2]
TODAY = date.today().isoformat()  # noqa: DTZ011 - as `date` of the shell
WHEEL = f"dist/syncd-{__version__}-py3-none-any.whl"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


class Checkout:
    """A repository with the files that a release looks at. Its `make` only notes what it was asked to make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        for name in (".ci/release", "syncd/__init__.py", "CHANGELOG.md"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / ".gitignore").write_text("dist/\n")
        programs = folder / "programs"
        programs.mkdir()
        self._made = folder / "made"
        self.make(f"mkdir -p dist; touch {WHEEL}")
        identity = {
            f"GIT_{who}_{what}": "t@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        self._environ = (
            os.environ
            | identity
            | {"PATH": f"{programs}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull}
        )
        self.git("init", "--quiet")

    def make(self, script: str) -> None:
        """Set what `make` does."""
        path = self._made.parent / "programs" / "make"
        path.write_text(f'#!/bin/sh\nset -e\necho "$@" >> {self._made}\n{script}\n')
        path.chmod(0o755)

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self._environ, check=True, capture_output=True, text=True
        ).stdout

    def heading(self, text: str) -> None:
        """Write this over the newest section of the changelog, and commit."""
        path = self.folder / "CHANGELOG.md"
        lines = path.read_text().splitlines()
        [number] = [number for number, line in enumerate(lines) if line.startswith("## ")]
        lines[number] = text
        path.write_text("\n".join(lines))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A version")

    def release(self) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", ".ci/release"],
            cwd=self.folder,
            env=self._environ,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    @property
    def made(self) -> list[str]:
        return self._made.read_text().splitlines() if self._made.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_complete_version_is_checked_built_and_tagged(checkout: Checkout) -> None:
    checkout.heading(f"## {__version__} - {TODAY}")
    code, output = checkout.release()
    assert code == 0, output
    assert checkout.made == ["lint types test", "wheel"]
    assert checkout.git("cat-file", "-t", f"v{__version__}") == "tag\n"
    assert checkout.git("rev-parse", f"v{__version__}^{{commit}}") == checkout.git("rev-parse", "HEAD")
    assert WHEEL in output


def not_committed(checkout: Checkout) -> None:
    (checkout.folder / "new.py").touch()


def tagged_before(checkout: Checkout) -> None:
    checkout.git("tag", f"v{__version__}")


def not_a_release(checkout: Checkout) -> None:
    (checkout.folder / "syncd" / "__init__.py").write_text('__version__ = "0.1.0.dev1"\n')


@pytest.mark.parametrize(
    ("heading", "spoil", "reason"),
    [
        (f"## {__version__} - {TODAY}", not_committed, "changes that are not committed"),
        (f"## {__version__} - {TODAY}", tagged_before, "exists. Raise __version__"),
        (f"## {__version__} - {TODAY}", not_a_release, "no version like 0.2.0, but '0.1.0.dev1'"),
        (f"## {__version__} - not released yet", None, f"has no day. Write: ## {__version__} - {TODAY}"),
        (f"## {__version__} - 2026-13-01", None, "has no day"),
        (f"## {__version__} - {date.fromisoformat(TODAY) + timedelta(2)}", None, "is yet to come"),
        (f"## {__version__}", None, "has no day"),
        (f"## {__version__}0 - {TODAY}", None, f"no section for {__version__}"),
    ],
)
def test_incomplete_version_is_refused_before_anything_is_made(
    checkout: Checkout, heading: str, spoil: Callable[[Checkout], None] | None, reason: str
) -> None:
    checkout.heading(heading)
    if spoil:
        spoil(checkout)
    tags = checkout.git("tag")
    code, output = checkout.release()
    assert code == 1
    assert output.startswith("Not released: ")
    assert reason in output
    assert checkout.made == []
    assert checkout.git("tag") == tags


@pytest.mark.parametrize(
    "script", ["exit 2", "mkdir -p dist; touch dist/syncd-9.9.9-py3-none-any.whl", f"touch new {WHEEL}"]
)
def test_version_whose_checks_fail_gets_no_tag(checkout: Checkout, script: str) -> None:
    checkout.heading(f"## {__version__} - {TODAY}")
    (checkout.folder / "dist").mkdir()
    checkout.make(script)
    code, output = checkout.release()
    assert code != 0, output
    assert checkout.git("tag") == ""
