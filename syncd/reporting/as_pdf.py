"""Writes pages as a PDF file, one sheet of A4 for each client, with typst."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from syncd.publishing.languages import Language
from syncd.publishing.typesetting import FONT, breakable, pdf_of
from syncd.reporting.charts import charts_of
from syncd.reporting.page import page_of
from syncd.reporting.words import Wording
from syncd.store.report_figures import MonthReport


def as_pdf(reports: Sequence[MonthReport], language: Language) -> bytes:
    """Write the reports as a PDF. The same reports give the same bytes on the same machine.

    Raises SyncdError if the extra `sheet` is not installed.
    """
    words = Wording(language)
    files = {"main": resources.files("syncd.reporting").joinpath("month.typ").read_bytes()}
    pages = []
    for place, report in enumerate(reports):
        drawings = charts_of(report, words, FONT)
        names = [f"{place}-{number}.svg" for number in range(len(drawings))]
        files |= {name: drawing.svg for name, drawing in zip(names, drawings, strict=True)}
        charts = [
            {"title": drawing.title, "alternative": drawing.alternative, "file": name}
            for name, drawing in zip(names, drawings, strict=True)
        ]
        pages.append(_broken(asdict(page_of(report, language))) | {"charts": charts})
    document = {
        "language": language,
        "title": f"{words('title')}, {pages[0]['month']}",
        "nothing": words("nothing"),
        "footer": words("footer"),
        "pages": pages,
    }
    return pdf_of(files, {"document": json.dumps(document)})


def _broken(part: Any) -> Any:
    """Let the long words of all texts in a part of a page break."""
    if isinstance(part, dict):
        return {key: _broken(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_broken(each) for each in part]
    return breakable(part) if isinstance(part, str) else part
