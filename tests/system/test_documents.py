"""The documents tell the truth: their commands run, their output comes, their links lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from syncd import __version__
from syncd.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path for path in ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text())
    targets = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_event_of_the_log_is_explained() -> None:
    in_code = set()
    for path in (ROOT / "syncd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and node.args
                and ast.unparse(node.func).startswith(("log.", "_log."))
            ):
                first = node.args[0]
                branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                in_code |= {each.value for each in branches if isinstance(each, ast.Constant)}
    section = (ROOT / "docs" / "operating.md").read_text().partition("## What the log says")[2]
    assert set(re.findall(r"^\| `(\w+)` \| \w+ \|", section, re.MULTILINE)) == in_code


def test_every_command_is_explained() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    assert [name for name in COMMANDS if f"| `syncd {name}" not in text] == []


def test_architecture_names_every_part_of_the_code_and_nothing_else() -> None:
    named = set(
        re.findall(r"`((?:syncd|migrations|config|tests)/[\w/.]*)`", (ROOT / "ARCHITECTURE.md").read_text())
    )
    named.discard("syncd/migrations")  # in the wheel only
    assert [name for name in named if not (ROOT / name).exists()] == []
    parts = {
        path.name + "/" * path.is_dir() for path in (ROOT / "syncd").iterdir() if path.name[0] not in "._"
    }
    assert {f"syncd/{part}" for part in parts} - named == {"syncd/sync/"}
    stages = {f"syncd/sync/{path.name}" for path in (ROOT / "syncd" / "sync").glob("[a-z]*.py")}
    assert stages - named == set()


def test_every_decision_is_linked_from_the_architecture() -> None:
    linked = set(re.findall(r"\(docs/adr/([\w-]+\.md)\)", (ROOT / "ARCHITECTURE.md").read_text()))
    decisions = {path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert linked == decisions
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert set(re.findall(r"\(([\w-]+\.md)\)", index)) == decisions


def test_make_commands_in_contributing_are_those_of_the_makefile() -> None:
    [targets] = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    documented = re.findall(r"^\| `make ([\w-]+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert set(documented) == set(targets.split())


def test_changelog_has_this_version() -> None:
    heading = rf"^## {re.escape(__version__)} - (\d{{4}}-\d\d-\d\d|not released yet)$"
    assert re.search(heading, (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
