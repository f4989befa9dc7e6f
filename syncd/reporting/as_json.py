"""Writes reports as JSON, whose keys docs/reports.md lists. Numbers are numbers, days and times as ISO 8601 writes them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from syncd.store.report_figures import MonthReport


def as_json(reports: Sequence[MonthReport], month: date, contract: str) -> str:
    """Write the reports of one month. `contract` is the version of the views that they come from."""
    last_year = month.replace(year=month.year - 1)
    return json.dumps(
        {
            "month": f"{month:%Y-%m}",
            "last_year": f"{last_year:%Y-%m}",
            "contract": contract,
            "clients": [_fields(report) for report in reports],
        },
        default=lambda day: day.isoformat(),
    )


def _fields(report: MonthReport) -> dict[str, object]:
    return {key: value for key, value in asdict(report).items() if key != "month"}
