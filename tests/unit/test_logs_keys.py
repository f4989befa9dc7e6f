"""The log's allow-list is exactly what syncd logs: read from the source of every log call."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from syncd.logs import ALLOWED_KEYS
from syncd.store.cycles import Tally
from syncd.store.templates import Recorded

PACKAGE = Path(__file__).parents[2] / "syncd"
LOGGERS = ("log.", "_log.")
ADDED_BY_THE_LOG = {"logger_name"}
"""`get_logger` binds it."""

SPECIAL = {
    "exc_info": {"error", "error_frames", "error_message", "sqlstate", "constraint"},
    "error": {"error", "error_message", "sqlstate", "constraint"},
}
"""Arguments that may be an exception, and the keys that `summarise_exception` derives from it."""

UNPACKED = {
    "asdict(work.tally)": {field.name for field in fields(Tally)},
    "asdict(synced.recorded)": {field.name for field in fields(Recorded)},
    "failure(exception)": SPECIAL["error"],
}
"""What each `**expression` of a log call contains, unless it is a dictionary of the same function."""


def log_calls(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Every call of a logger's method with an event's name, and the function around it."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and ast.unparse(node.func).startswith(LOGGERS)
                    and (node.args and isinstance(node.args[0], ast.Constant | ast.IfExp))
                ):
                    yield function, node


def keys_of(function: ast.AST, call: ast.Call) -> set[str]:
    """The keys that one call logs."""
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            found |= SPECIAL.get(keyword.arg, {keyword.arg})
        elif isinstance(keyword.value, ast.Name):
            found |= keys_of_dictionary(function, keyword.value.id)
        else:
            found |= UNPACKED[ast.unparse(keyword.value)]
    if ast.unparse(call.func).endswith(".exception"):
        found |= SPECIAL["exc_info"]
    return found


def keys_of_dictionary(function: ast.AST, name: str) -> set[str]:
    """The keys of a dictionary that the function makes, and adds to by `update`."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if name in map(ast.unparse, targets):
                found |= {ast.literal_eval(key) for key in node.value.keys if key}
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.update":
            found |= {keyword.arg for keyword in node.keywords if keyword.arg}
            for argument in node.args:
                found |= UNPACKED[ast.unparse(argument)]
    assert found, f"no dictionary {name} is made in the function that logs it"
    return found


def logged() -> dict[str, set[str]]:
    """Each key that syncd logs, with the files that log it."""
    found: dict[str, set[str]] = {key: {"syncd/logs/__init__.py"} for key in ADDED_BY_THE_LOG}
    for path in sorted(PACKAGE.rglob("*.py")):
        for function, call in log_calls(ast.parse(path.read_text())):
            for key in keys_of(function, call):
                found.setdefault(key, set()).add(path.relative_to(PACKAGE.parent).as_posix())
    return found


def test_every_key_that_is_logged_is_allowed() -> None:
    missing = {key: sorted(files) for key, files in logged().items() if key not in ALLOWED_KEYS}
    assert missing == {}, "add these keys to syncd/logs/redaction.py, or the log drops their values"


def test_every_allowed_key_is_logged() -> None:
    assert sorted(ALLOWED_KEYS - set(logged())) == [], "remove these keys from syncd/logs/redaction.py"


def test_no_call_of_a_logger_is_overlooked() -> None:
    call_of_a_logger = re.compile(r"\b_?log\.(?:debug|info|warning|error|critical|exception)\(")
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text()
        calls = {
            (call.lineno, call.col_offset)
            for _, call in log_calls(ast.parse(source))
            if isinstance(call.func, ast.Attribute)
        }
        assert len(calls) == len(call_of_a_logger.findall(source)), path
