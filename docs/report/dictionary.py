"""Writes dictionary.md: each view, each column, in words."""

from __future__ import annotations

from collections.abc import Iterator

from docs.report.views import JOINS, Contract, View

_HEAD = """\
# Dictionary of the reports

Every view of schema `report` and each of its columns, version {version} of the contract. [The page on
reports](../reports.md) shows what to ask them. `SELECT * FROM report.dictionary` shows the same in the database.
`python -m docs.report.make` writes this page from a migrated database.

![The views, their keys and their joins](erd.svg)

A column in **bold** belongs to the key of the view. *null* says that a value may be missing. All other columns always
have a value.

| view | one row for each |
|---|---|
"""


def dictionary(contract: Contract) -> str:
    """Return the page."""
    rows = "".join(
        f"| [{view.name}](#{view.name}) | {', '.join(f'`{name}`' for name in view.key)} |\n"
        for view in contract.views
    )
    parts = "".join("\n".join(_view(view)) for view in contract.views)
    return _HEAD.format(version=contract.version) + rows + parts


def _view(view: View) -> Iterator[str]:
    yield ""
    yield f"## {view.name}"
    yield ""
    yield from _wrapped(view.meaning)
    joins = [join for join in JOINS if join.view == view.name]
    if joins:
        yield ""
    for join in joins:
        besides = ""
        if join.except_for:
            besides = f", unless `{join.except_for[0]}` is {' or '.join(f'`{each}`' for each in join.except_for[1])}"
        yield from _wrapped(
            f"- `{join.column}` joins `{join.other}.{join.other_column}`{besides}.", indent="  "
        )
    yield ""
    yield "| column | type | | meaning |"
    yield "|---|---|---|---|"
    for column in view.columns:
        name = f"**{column.name}**" if column.name in view.key else column.name
        null = "*null*" if view.may_be_null(column.name) else ""
        yield f"| {name} | {column.type} | {null} | {column.meaning} |"
    yield ""


def _wrapped(words: str, indent: str = "") -> Iterator[str]:
    line = ""
    for word in words.split():
        if line and len(line) + 1 + len(word) > 120:
            yield line
            line = indent + word
        else:
            line = f"{line} {word}" if line else word
    yield line
