"""Writes the result of each query on docs/reports.md below it, as psql prints it for a sample of fixed dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

# The data of the results: `syncd demo --applications 2000` of this day.
APPLICATIONS, SEED, UNTIL = 2000, 1, date(2026, 11, 30)
# Rows shown of a longer result.
ROWS = 5
# Results that change from day to day.
VOLATILE = ("current_date", "report.weekly", "last_30_days", "days_open")
_QUERY = re.compile(r"^```sql\n(SELECT.*?)^```\n(?:\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL)


def queries(page: str) -> list[str]:
    """Return the queries of the page."""
    return _QUERY.findall(page)


def with_results(page: str, run: Callable[[str], str]) -> str:
    """Return the page with the result of each query.

    Args:
        run: returns what psql prints for a query.
    """
    return _QUERY.sub(
        lambda found: f"```sql\n{found[1]}```\n\n```text\n{shortened(run(found[1]))}```\n", page
    )


def shortened(result: str) -> str:
    """Return the head of a result of psql, its first rows, and the number of all rows."""
    *lines, count = [line.rstrip() for line in result.rstrip().splitlines()]
    if len(lines) > ROWS + 2:
        lines = [*lines[: ROWS + 2], " ..."]
    return "\n".join([*lines, count]) + "\n"


def comparable(page: str) -> list[str]:
    """Return the queries of the page with their results; of those that change from day to day, the head alone."""
    found = []
    for block in _QUERY.finditer(page):
        lines = block[0].splitlines()
        if any(word in block[1] for word in VOLATILE):
            start = lines.index("```text") if "```text" in lines else len(lines) - 2
            lines = lines[: start + 2]
        found.append("\n".join(lines))
    return found
