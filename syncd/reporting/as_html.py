"""Writes pages as one HTML file that loads nothing and runs no script. It reads on a phone and prints on A4."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib import resources

from syncd.publishing.languages import Language
from syncd.reporting.charts import Chart, charts_of
from syncd.reporting.figures import Figure
from syncd.reporting.page import Page, page_of
from syncd.reporting.tables import Table
from syncd.reporting.words import Wording
from syncd.store.report_figures import MonthReport

_FONT = "system-ui, 'Liberation Sans', Arial, sans-serif"


def as_html(reports: Sequence[MonthReport], language: Language) -> str:
    """Write the reports as an HTML document, one article for each client, each on a sheet of its own when printed."""
    words = Wording(language)
    style = resources.files("syncd.reporting").joinpath("month.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    pages = [page_of(report, language) for report in reports]
    articles = "".join(
        _article(page, charts_of(report, words, _FONT), words)
        for page, report in zip(pages, reports, strict=True)
    )
    title = f"{words('title')}, {pages[0].month}: {', '.join(page.client for page in pages)}"
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n<main>\n{articles}</main>\n</body>\n</html>\n"
    )


def _article(page: Page, charts: Sequence[Chart], words: Wording) -> str:
    period = f" <small>{escape(page.period)}</small>" if page.period else ""
    parts = [
        f"<header>\n<p>{escape(page.title)}</p>\n"
        f'<h1><span dir="auto">{escape(page.client)}</span> <span>{escape(page.month)}{period}</span></h1>\n</header>\n'
    ]
    if page.state:
        parts.append(f'<p class="state {"fine" if page.is_fine else "open"}">{escape(page.state)}</p>\n')
    parts += [f'<p class="note">{escape(note)}</p>\n' for note in page.notes]
    if page.figures:
        parts.append(f'<dl class="figures">\n{"".join(map(_figure, page.figures))}</dl>\n')
    if charts:
        parts.append(f'<div class="beside">\n{"".join(map(_chart, charts))}</div>\n')
    if page.left or page.right:
        sides = ("".join(_table(table, words) for table in side) for side in (page.left, page.right))
        columns = "".join(f"<div>\n{side}</div>\n" for side in sides)
        parts.append(f'<div class="beside">\n{columns}</div>\n<footer>{escape(words("footer"))}</footer>\n')
    return f"<article>\n{''.join(parts)}</article>\n"


def _figure(figure: Figure) -> str:
    others = (figure.detail, figure.last_year, figure.difference)
    small = "".join(f"<dd>{escape(text)}</dd>" for text in others if text)
    return f"<div><dt>{escape(figure.label)}</dt><dd><b>{escape(figure.value)}</b></dd>{small}</div>\n"


def _chart(chart: Chart) -> str:
    drawing = base64.b64encode(chart.svg).decode()
    return (
        f"<section>\n<h2>{escape(chart.title)}</h2>\n"
        f'<img src="data:image/svg+xml;base64,{drawing}" alt="{escape(chart.alternative)}">\n</section>\n'
    )


def _table(table: Table, words: Wording) -> str:
    title = f"<h2>{escape(table.title)}</h2>\n"
    if not table.rows:
        return f"<section>\n{title}<p>{escape(words('nothing'))}</p>\n</section>\n"
    head = "".join(
        f'<th scope="col"{_class(place, table)}>{escape(column)}</th>'
        for place, column in enumerate(table.columns)
    )
    rows = "".join(f"<tr>{_cells(row, table)}</tr>\n" for row in table.rows)
    more = f'<p class="more">{escape(table.more)}</p>\n' if table.more else ""
    return f"<section>\n{title}<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n{more}</section>\n"


def _cells(row: Sequence[str], table: Table) -> str:
    first, *others = row
    cells = "".join(
        f"<td{_class(place, table)}{' dir=auto' * (place < table.texts)}>{escape(text)}</td>"
        for place, text in enumerate(others, start=1)
    )
    return f'<th scope="row" dir="auto">{escape(first)}</th>{cells}'


def _class(place: int, table: Table) -> str:
    return "" if place < table.texts else ' class="number"'
