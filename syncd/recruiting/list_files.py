"""Imports a CSV file as a list in one transaction: what the imports of jobs, costs and outcomes have in common."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.recruiting.csv_files import MAX_MISTAKES, Column, CsvFile, Mistakes, open_csv
from syncd.store import lists
from syncd.store.database import Database
from syncd.store.lists import ListTable

# Rows that are named in a result. Further ones are only counted.
MAX_NAMED = 1000
_REPORT_EVERY = 1000  # rows

T = TypeVar("T")
Progress = Callable[[int], None]


def no_progress(read: int) -> None:
    """Shows nothing."""


def import_list(
    database: Database,
    source: str | Path,
    columns: Sequence[Column],
    take_in: Callable[[Connection, CsvFile, Mistakes], T],
    *,
    unused: Sequence[Column] = (),
    dry_run: bool = False,
) -> T:
    """Open a file and take it in within one transaction, completely or not at all. A dry run rolls back.

    Args:
        take_in: does the work, once more from the beginning after a lost connection.

    Raises:
        BadInput: every error in the file with its line. Nothing was written.
        DatabaseUnavailable: nothing was written.
    """
    with open_csv(source, columns, unused=unused) as file:

        def attempt(connection: Connection) -> T:
            with connection.begin_nested() as attempted:
                taken = take_in(connection, file, Mistakes())
                if dry_run:
                    attempted.rollback()
            return taken

        return database.transact(attempt, Deadline())


def load(
    connection: Connection,
    file: CsvFile,
    into: ListTable,
    columns: Sequence[str],
    values: Callable[[int, dict[str, str]], tuple[Any, ...]],
    mistakes: Mistakes,
    progress: Progress,
) -> int:
    """Copy the file to the server, and return the number of its rows.

    Args:
        columns: of the stored table, in the order of `values`.
        values: returns the values of a line, and records its errors. A line with errors has values too, or None.
    """
    read = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal read
        for line_no, fields in file.rows(mistakes):
            read += 1
            if read % _REPORT_EVERY == 0:
                progress(read)
            yield (line_no, *values(line_no, fields))

    lists.load(connection, into, columns, rows())
    return read


def parsed(parse: Callable[[str], T], written: str, line_no: int, mistakes: Mistakes) -> T | None:
    """Parse a cell. Record the ValueError's sentence as an error of the line, and return None then."""
    try:
        return parse(written)
    except ValueError as error:
        mistakes.add(line_no, str(error))
        return None


def required(name: str, written: str, max_bytes: int, line_no: int, mistakes: Mistakes) -> str | None:
    """Return the text of a cell as it is, or record that it is empty or too long, and return None."""
    if not written.strip():
        mistakes.add(line_no, f"the {name} is empty")
    elif len(written.encode()) > max_bytes:
        mistakes.add(line_no, f"the {name} is longer than {max_bytes} bytes")
    else:
        return written
    return None


def add_repeated(connection: Connection, loaded: ListTable, what: str, mistakes: Mistakes) -> None:
    """Record the lines that repeat another one. `what` names what both have in common."""
    again, total = lists.repeated(connection, loaded, MAX_MISTAKES)
    for line_no, first in again:
        mistakes.add(line_no, f"duplicate of {what} in line {first}")
    mistakes.add_more(total - len(again))


def add_lines(found: tuple[list[int], int], what: str, mistakes: Mistakes) -> None:
    """Record the same error of several lines, which are some of a total."""
    lines, total = found
    for line_no in lines:
        mistakes.add(line_no, what)
    mistakes.add_more(total - len(lines))


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the rows of a list, and the keys of the first 1,000 of those that were removed."""

    new: int
    changed: int
    unchanged: int
    removed: int
    removed_keys: list[tuple[Any, ...]]


def merge(
    connection: Connection,
    client_id: str,
    loaded: ListTable,
    count: int,
    *,
    complete: bool,
    within: str = "true",
) -> Merged:
    """Write the `count` rows of a loaded list. Lock the client first.

    Args:
        complete: remove stored rows that the list does not name.
        within: a condition in SQL that limits what is removed.
    """
    removed, keys = 0, list[tuple[Any, ...]]()
    if complete:
        removed, keys = lists.remove_unlisted(connection, client_id, loaded, MAX_NAMED, within=within)
    merged = lists.merge(connection, client_id, loaded)
    return Merged(merged.new, merged.changed, count - merged.new - merged.changed, removed, keys)
