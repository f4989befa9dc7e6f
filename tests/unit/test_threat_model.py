"""Each test that docs/security.md names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text())


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_threat_model_names_exists(file: str, name: str) -> None:
    module = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {item.name for item in module.body if isinstance(item, ast.FunctionDef)}


def test_each_actor_has_threats_with_tests() -> None:
    sections = (ROOT / "docs" / "security.md").read_text().split("\n## ")[1:-1]
    assert len(sections) == 7
    assert all(re.search(r"::test_", section) for section in sections)
