"""Writes many items in one transaction, and finds the single ones that Postgres refuses."""

from collections.abc import Callable
from typing import TypeVar

from syncd.errors import DataRefused

T = TypeVar("T")


def write_narrowed(items: list[T], write: Callable[[list[T]], None]) -> list[tuple[T, DataRefused]]:
    """Calls `write` with all items. If Postgres refuses them, halves them until each refused item stands alone.

    Returns:
        The refused items, each with its error. All others were written.
    """
    if not items:
        return []
    try:
        write(items)
    except DataRefused as error:
        if len(items) == 1:
            return [(items[0], error)]
        middle = len(items) // 2
        return [*write_narrowed(items[:middle], write), *write_narrowed(items[middle:], write)]
    return []
