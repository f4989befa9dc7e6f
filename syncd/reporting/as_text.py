"""Writes a page as text for a terminal."""

from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from syncd.reporting.page import Page
from syncd.reporting.tables import Table
from syncd.reporting.words import Wording


def as_text(page: Page) -> str:
    """Write the page in lines, without a line end at the end."""
    return "\n".join(_lines(page))


def _lines(page: Page) -> Iterable[str]:
    yield f"{page.client}: {page.title}, {page.month}" + (f" ({page.period})" if page.period else "")
    yield from filter(None, [page.state, *page.notes])
    if page.figures:
        yield ""
        figures = [(f.label, f.value, f.last_year, f.difference, f.detail) for f in page.figures]
        yield from _aligned(figures, texts=(0, 2, 3, 4))
    for table in (*page.left, *page.right):
        yield ""
        yield from _table(table, Wording(page.language)("nothing"))


def _table(table: Table, nothing: str) -> Iterable[str]:
    if not table.rows:
        yield f"{table.title}: {nothing}"
        return
    yield table.title
    rows = _aligned([table.columns, *table.rows], texts=range(table.texts))
    yield from (f"  {row}" for row in rows)
    if table.more:
        yield f"  {table.more}"


def _aligned(rows: Sequence[tuple[str, ...]], *, texts: Iterable[int]) -> Iterable[str]:
    """Pad the cells: texts to the right, numbers to the left."""
    left = set(texts)
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell + " " * (width - _width(cell)) if place in left else " " * (width - _width(cell)) + cell
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
