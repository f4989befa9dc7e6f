"""Every fault of the table has tests, and each test that it names exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults import FAULTS

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_has_tests_and_they_exist(fault: str) -> None:
    tests = FAULTS[fault]
    assert tests
    assert len(set(tests)) == len(tests)
    for test in tests:
        path, name = test.split("::")
        module = ast.parse((CHECKOUT / path).read_text())
        assert name in {item.name for item in module.body if isinstance(item, ast.FunctionDef)}, test
        assert name.startswith("test_"), test
