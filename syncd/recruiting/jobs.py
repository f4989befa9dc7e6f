"""Imports job vacancies from a CSV file (S2.4)."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.moments import parse_moment
from syncd.pitchyou.payloads import MAX_REFERENCE_BYTES
from syncd.recruiting.columns import OF_A_JOB, OF_A_LINK
from syncd.recruiting.csv_files import MAX_NOTES, CsvFile, Mistakes
from syncd.recruiting.list_files import (
    MAX_NAMED,
    Progress,
    add_repeated,
    import_list,
    load,
    no_progress,
    required,
)
from syncd.recruiting.spreadsheet_damage import note_damage, note_similar
from syncd.shown import quoted
from syncd.store import clients, jobs, similar_jobs
from syncd.store.database import Database

MAX_TEXT = 1000  # characters
_STORED_AS = {"reference": jobs.KEY, "opened": "opened_at", "closed": "closed_at"}
_FIRST_YEAR = 1900

Row = tuple[str | datetime | None, ...]


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
    progress: Progress = no_progress,
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

    def take_in(connection: Connection, file: CsvFile, mistakes: Mistakes) -> Imported:
        columns = [_STORED_AS.get(name, name) for name in file.columns]

        def values(line_no: int, fields: dict[str, str]) -> Row:
            return _values(line_no, fields, timezone, mistakes)

        read = load(connection, file, jobs.LIST, columns, values, mistakes, progress)
        add_repeated(connection, jobs.LIST, "the reference", mistakes)
        mistakes.raise_any()
        clients.lock(connection, client_id)
        note_similar(mistakes, *similar_jobs.similar_in_list(connection, client_id, MAX_NOTES))
        merged = jobs.merge_list(connection, client_id, columns)
        closed, named = jobs.close_unlisted(connection, client_id, MAX_NAMED) if complete else (0, [])
        return Imported(
            read,
            merged.new,
            merged.filled,
            merged.changed,
            read - merged.new - merged.filled - merged.changed,
            closed,
            tuple(named),
            (*file.notes, *mistakes.notes()),
        )

    return import_list(database, source, OF_A_JOB, take_in, unused=OF_A_LINK, dry_run=dry_run)


def _values(line_no: int, fields: dict[str, str], timezone: ZoneInfo, mistakes: Mistakes) -> Row:
    values: dict[str, str | datetime | None] = {}
    for name, written in fields.items():
        values[name] = None
        if name == "reference":
            values[name] = required(name, written, MAX_REFERENCE_BYTES, line_no, mistakes)
            if values[name]:
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
