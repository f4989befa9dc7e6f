"""Imports job vacancies from a CSV file (S2.4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.moments import parse_moment
from syncd.pitchyou.payloads import MAX_REFERENCE_BYTES
from syncd.recruiting.columns import OF_A_JOB, OF_A_LINK
from syncd.recruiting.csv_files import MAX_MISTAKES, MAX_NOTES, CsvFile, Mistakes, open_csv
from syncd.recruiting.spreadsheet_damage import note_damage, note_similar
from syncd.shown import quoted
from syncd.store import clients, jobs, similar_jobs
from syncd.store.database import Database

MAX_TEXT = 1000  # characters
_STORED_AS = {"reference": jobs.KEY, "opened": "opened_at", "closed": "closed_at"}
# Closed jobs that are named. Further ones are only counted.
MAX_CLOSED = 1000
_FIRST_YEAR = 1900
_REPORT_EVERY = 1000  # rows

Row = tuple[int | str | datetime | None, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do in a dry run. `read` is the sum of `new`, `filled`, `changed` and `unchanged`.

    `filled` counts jobs that were known by reference only: stubs created by the sync, and jobs created for an apply
    link. `closed` counts jobs of earlier imports that this file does not contain, and `closed_jobs` names the first
    1,000 of them. `notes` are messages for the author of the file.
    """

    read: int
    new: int
    filled: int
    changed: int
    unchanged: int
    closed: int
    closed_jobs: tuple[jobs.ClosedJob, ...]
    notes: tuple[str, ...]


def import_jobs(
    database: Database,
    client_id: str,
    source: str | Path,
    *,
    timezone: ZoneInfo,
    dry_run: bool = False,
    complete: bool = False,
    progress: Callable[[int], None] = lambda read: None,
) -> Imported:
    """Import a list of jobs in one transaction, completely or not at all.

    Updates known jobs: an empty field clears the value, a missing column leaves it unchanged, and unchanged jobs are not
    written. Never deletes a job. Needs no lease and may run while the daemon works: the daemon only adds missing jobs. It
    waits at most until this transaction ends, and both lock rows in the same order. Other imports and apply links of this
    client wait for each other.

    Args:
        source: a path, or `-` for standard input; see `csv_files.open_csv`.
        timezone: the timezone of times without an offset. A date means midnight there.
        dry_run: do everything, then roll back.
        complete: close imported jobs that the file does not contain.
        progress: called from time to time with the number of rows read.

    Raises:
        BadInput: every error in the file with its line. Nothing was written.
        DatabaseUnavailable: nothing was written.
    """
    with open_csv(source, OF_A_JOB, unused=OF_A_LINK) as file:
        columns = [_STORED_AS.get(name, name) for name in file.columns]

        def take_in(connection: Connection) -> Imported:
            with connection.begin_nested() as attempt:
                found = Mistakes()
                read = _load(connection, file, columns, timezone, progress, found)
                clients.lock(connection, client_id)
                note_similar(found, *similar_jobs.similar_in_list(connection, client_id, MAX_NOTES))
                merged = jobs.merge_list(connection, client_id, columns)
                closed, named = (
                    jobs.close_unlisted(connection, client_id, MAX_CLOSED) if complete else (0, [])
                )
                if dry_run:
                    attempt.rollback()
            unchanged = read - merged.new - merged.filled - merged.changed
            return Imported(
                read,
                merged.new,
                merged.filled,
                merged.changed,
                unchanged,
                closed,
                tuple(named),
                (*file.notes, *found.notes()),
            )

        return database.transact(take_in, Deadline())


def _load(
    connection: Connection,
    file: CsvFile,
    columns: list[str],
    timezone: ZoneInfo,
    progress: Callable[[int], None],
    mistakes: Mistakes,
) -> int:
    """Copy the file to the server, check it there and here, and return the number of its rows."""
    read = 0

    def rows() -> Iterator[Row]:
        nonlocal read
        for line_no, fields in file.rows(mistakes):
            read += 1
            if read % _REPORT_EVERY == 0:
                progress(read)
            yield (line_no, *_values(line_no, fields, timezone, mistakes))

    jobs.load_list(connection, columns, rows())
    again, total = jobs.repeated(connection, MAX_MISTAKES)
    for line_no, first in again:
        mistakes.add(line_no, f"duplicate of the reference in line {first}")
    mistakes.add_more(total - len(again))
    mistakes.raise_any()
    return read


def _values(line_no: int, fields: dict[str, str], timezone: ZoneInfo, mistakes: Mistakes) -> Row:
    values: dict[str, str | datetime | None] = {}
    for name, written in fields.items():
        values[name] = None
        if name == "reference":
            if not written.strip():
                mistakes.add(line_no, "the reference is empty")
            elif len(written.encode()) > MAX_REFERENCE_BYTES:
                mistakes.add(line_no, f"the reference is longer than {MAX_REFERENCE_BYTES} bytes")
            else:
                values[name] = written
                note_damage(mistakes, line_no, written)
        elif not written.strip():
            continue
        elif name in ("opened", "closed"):
            try:
                values[name] = _moment(written.strip(), timezone)
            except (ValueError, OverflowError):
                mistakes.add(
                    line_no,
                    f"{name} is {quoted(written)}; write a time like 2026-11-01, 2026-11-01T08:00 or 01.11.2026 08:00",
                )
        elif len(written) > MAX_TEXT:
            mistakes.add(line_no, f"the {name} is longer than {MAX_TEXT} characters")
        else:
            values[name] = written
    opened, closed = values.get("opened"), values.get("closed")
    if isinstance(opened, datetime) and isinstance(closed, datetime) and closed < opened:
        mistakes.add(line_no, "closed is before opened")
    return tuple(values.values())


def _moment(written: str, timezone: ZoneInfo) -> datetime:
    """Parse a time and convert it to UTC. Raises ValueError or OverflowError if it is not a valid time."""
    moment = parse_moment(written, timezone)
    if moment.year < _FIRST_YEAR:
        raise ValueError
    return moment
