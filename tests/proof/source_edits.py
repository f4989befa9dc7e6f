"""Edits of Python source that name a function and a piece of its code, so that they survive moves and reformatting.

A piece of code is given as Python source and compared as a syntax tree. `...` stands for any expression; among
arguments, elements or statements it stands for any number of them. `name=value` also matches a keyword argument. A
piece of SQL is given as text and compared word by word, across the literals that it is split into.
"""

from __future__ import annotations

import ast
import itertools
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class PlaceNotFound(AssertionError):
    """The code that an edit names does not exist, or exists more than once."""


@dataclass(frozen=True)
class Edit:
    """What to look for and what to put there; made by `expression`, `statement` and `clause`."""

    kind: Literal["expression", "statement", "clause"]
    find: str
    becomes: str
    several: bool = False


@dataclass(frozen=True)
class Scope:
    """A function, class or module in which an edit looks for its place."""

    path: Path
    text: str
    node: ast.AST


@dataclass(frozen=True)
class Place:
    """A stretch of a file and the text that replaces it."""

    path: Path
    start: int
    end: int
    becomes: str


def expression(find: str, becomes: str) -> Edit:
    """Replace the code that matches `find`."""
    return Edit("expression", find, becomes)


def statement(find: str, becomes: str = "pass") -> Edit:
    """Replace the smallest statement that contains `find`; `{statement}` in `becomes` is its own source."""
    return Edit("statement", find, becomes)


def clause(find: str, becomes: str, *, several: bool = False) -> Edit:
    """Replace a piece of SQL in the string literals; with `several`, in every statement that contains it."""
    return Edit("clause", find, becomes, several)


def edited(root: Path, where: str, edits: Sequence[Edit]) -> dict[Path, str]:
    """Apply edits to the code below `root`. Returns the new text of each changed file; writes nothing.

    Args:
        where: `package.module:function`, `package.module:Class.method`, a module or package as a whole, or the path of
            a file of SQL.

    Raises:
        PlaceNotFound: the function does not exist, or an edit does not match in exactly one place (`several`: in any).
    """
    scopes = list(_scopes(root, where))
    places = [place for edit in edits for place in _places(scopes, where, edit)]
    texts = {scope.path: scope.text for scope in scopes}
    changed = {place.path: texts[place.path] for place in places}
    for place in sorted(places, key=lambda each: each.start, reverse=True):
        text = changed[place.path]
        changed[place.path] = text[: place.start] + place.becomes + text[place.end :]
    return changed


def _places(scopes: Sequence[Scope], where: str, edit: Edit) -> list[Place]:
    find = {"expression": _expressions, "statement": _statements, "clause": _clauses}[edit.kind]
    places = sorted(
        (place for scope in scopes for place in find(scope, edit)), key=lambda each: (each.path, each.start)
    )
    if not places or (len(places) > 1 and not edit.several):
        texts = {scope.path: scope.text for scope in scopes}
        lines = [f"{each.path.name}:{texts[each.path].count(chr(10), 0, each.start) + 1}" for each in places]
        raise PlaceNotFound(
            f"{where} must contain this {edit.kind} once, and contains it {len(places)} times"
            f"{' (' + ', '.join(lines) + ')' if lines else ''}: {edit.find}"
        )
    return places


def _scopes(root: Path, where: str) -> Iterator[Scope]:
    if where.endswith(".sql"):
        if not (root / where).is_file():
            raise PlaceNotFound(f"there is no file {where}")
        # For edits, it is one long string.
        text = (root / where).read_text()
        yield Scope(root / where, text, ast.Constant(text))
        return
    module, _, qualname = where.partition(":")
    base = root.joinpath(*module.split("."))
    if not base.is_dir():
        paths = [base.with_suffix(".py")]
    elif qualname:
        paths = [base / "__init__.py"]
    else:
        paths = sorted(base.rglob("*.py"))
    if not all(path.is_file() for path in paths):
        raise PlaceNotFound(f"{where}: there is no module {module}")
    for path in paths:
        text = path.read_text()
        node: ast.AST = ast.parse(text)
        for name in qualname.split(".") if qualname else ():
            found = [each for each in ast.iter_child_nodes(node) if getattr(each, "name", None) == name]
            if not found:
                raise PlaceNotFound(f"{where}: {module} has no {qualname}")
            node = found[-1]
        yield Scope(path, text, node)


def _expressions(scope: Scope, edit: Edit) -> Iterator[Place]:
    for node in _matching(scope.node, edit.find):
        yield Place(scope.path, *_span(scope.text, node), edit.becomes)


def _statements(scope: Scope, edit: Edit) -> Iterator[Place]:
    parents = {child: node for node in ast.walk(scope.node) for child in ast.iter_child_nodes(node)}
    for node in _matching(scope.node, edit.find):
        while not isinstance(node, ast.stmt):
            node = parents[node]
        start, end = _span(scope.text, node)
        indent = " " * node.col_offset
        own = [line.removeprefix(indent) for line in scope.text[start:end].split("\n")]
        source = "\n".join(_filled(textwrap.dedent(edit.becomes).strip("\n"), own))
        yield Place(scope.path, start, end, textwrap.indent(source, indent)[len(indent) :])


def _filled(template: str, statement_lines: list[str]) -> Iterator[str]:
    """The lines of a template, with the statement's own lines, indented as `{statement}` is, in its place."""
    for line in template.split("\n"):
        if line.strip() == "{statement}":
            indent = line[: -len("{statement}")]
            yield from (f"{indent}{each}" for each in statement_lines)
        else:
            yield line


def _clauses(scope: Scope, edit: Edit) -> Iterator[Place]:
    if isinstance(scope.node, ast.Constant):
        literals = [(-1, len(scope.text) + 1)]
    else:
        literals = [_span(scope.text, node) for node in _literals(scope.node)]
    for match in _clause_pattern(edit.find).finditer(scope.text):
        if any(start < match.start() and match.end() < end for start, end in literals):
            # Where the clause crosses from one literal into the next, both keep their quotes and prefixes.
            crossings = "".join(re.findall(_CROSSING, match[0]))
            yield Place(scope.path, match.start(), match.end(), edit.becomes + crossings)


_CROSSING = r"""["']\s*[fr]{0,2}["']"""


def _clause_pattern(words: str) -> re.Pattern[str]:
    gap = rf"(?:\s|{_CROSSING})"
    tokens = re.findall(r"[(),]|[^\s(),]+", words)
    pattern = re.escape(tokens[0])
    for before, token in itertools.pairwise(tokens):
        loose = before in "(,)" or token in "(,)"
        pattern += f"{gap}{'*' if loose else '+'}{re.escape(token)}"
    return re.compile(rf"(?<!\w){pattern}(?!\w)")


def _literals(scope: ast.AST) -> Iterator[ast.expr]:
    """String literals, without docstrings. Literals that follow each other are one node."""
    inner: set[ast.AST] = set()
    for node in ast.walk(scope):
        if isinstance(node, ast.Expr):
            inner.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            inner.update(node.values)
        if node in inner:
            continue
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            yield node


def _matching(scope: ast.AST, source: str) -> Iterator[ast.AST]:
    parsed = ast.parse(source).body[0]
    patterns: list[ast.AST] = [parsed.value if isinstance(parsed, ast.Expr) else parsed]
    match parsed:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            patterns.append(ast.keyword(arg=name, value=value))
    for node in ast.walk(scope):
        if any(_matches(pattern, node) for pattern in patterns):
            yield node


def _matches(pattern: object, node: object) -> bool:
    if isinstance(pattern, list):
        return isinstance(node, list) and _list_matches(pattern, node)
    if not isinstance(pattern, ast.AST):
        return type(pattern) is type(node) and pattern == node
    if _is_wildcard(pattern):
        return isinstance(node, ast.expr | ast.stmt)
    if type(pattern) is not type(node) or not isinstance(node, ast.AST):
        return False
    free = isinstance(pattern, ast.Call) and any(map(_is_wildcard, pattern.args))
    for name, value in ast.iter_fields(pattern):
        other = getattr(node, name, None)
        if name in ("ctx", "kind", "type_comment"):
            continue
        if name == "keywords" and free:
            if not all(any(_matches(each, its) for its in other or ()) for each in value):
                return False
        elif not _matches(value, other):
            return False
    return True


def _list_matches(pattern: list[object], nodes: list[object]) -> bool:
    if not pattern:
        return not nodes
    if _is_wildcard(pattern[0]):
        return any(_list_matches(pattern[1:], nodes[skipped:]) for skipped in range(len(nodes) + 1))
    return bool(nodes) and _matches(pattern[0], nodes[0]) and _list_matches(pattern[1:], nodes[1:])


def _is_wildcard(node: object) -> bool:
    value = node.value if isinstance(node, ast.Expr) else node
    return isinstance(value, ast.Constant) and value.value is ...


def _span(text: str, node: ast.AST) -> tuple[int, int]:
    """The offsets of a node in the text; the syntax tree counts columns in bytes of UTF-8."""
    assert isinstance(node, ast.expr | ast.stmt | ast.keyword)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = text.split("\n")

    def offset(line: int, column: int) -> int:
        return sum(len(each) + 1 for each in lines[: line - 1]) + len(
            lines[line - 1].encode()[:column].decode()
        )

    return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
