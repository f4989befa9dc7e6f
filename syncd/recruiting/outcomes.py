"""Imports what became of applications from a CSV file of the ATS."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.errors import BadInput
from syncd.moments import parse_moment
from syncd.pitchyou.payloads import MAX_ID_BYTES
from syncd.recruiting.columns import OF_AN_OUTCOME
from syncd.recruiting.csv_files import MAX_MISTAKES, CsvFile, Mistakes
from syncd.recruiting.list_files import (
    MAX_NAMED,
    Progress,
    add_lines,
    add_repeated,
    import_list,
    load,
    merge,
    no_progress,
    parsed,
    required,
)
from syncd.recruiting.stages import parse_stage
from syncd.shown import quoted
from syncd.store import clients, lists, outcomes
from syncd.store.database import Database

_COLUMNS = ("profile_id", "stage", "occurred_on")
_DATES = "write a day like 2026-11-01 or 01.11.2026"
_EARLY = "the date is before the day of the application"
# Another column of ids, and a complete list would remove everything.
_STRANGERS = (
    "the file names no application that is in the database, so nothing was removed; check whether profile_id has "
    "PitchYou's ids"
)

Row = tuple[str | None, str | None, date | None]


@dataclass(frozen=True, slots=True)
class RemovedOutcome:
    """The keys of an outcome that was removed."""

    profile_id: str
    stage: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do in a dry run. `read` is the sum of `new`, `changed`, `unchanged` and `unknown`.

    `unknown` counts outcomes that are not stored, since their `unknown_applications` never came or were erased.
    `unknown_profiles` names the first 1,000 of these. `removed` counts outcomes that a complete list lacks, and `removed_outcomes` names
    the first 1,000 of them. `notes` are messages for the author of the file.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    unknown: int
    unknown_applications: int
    unknown_profiles: tuple[str, ...]
    removed: int
    removed_outcomes: tuple[RemovedOutcome, ...]
    notes: tuple[str, ...]


def import_outcomes(
    database: Database,
    client_id: str,
    source: str | Path,
    *,
    timezone: ZoneInfo,
    dry_run: bool = False,
    complete: bool = False,
    progress: Progress = no_progress,
) -> Imported:
    """Import the days on which applications reached a stage, in one transaction, completely or not at all.

    Replaces known days; equal ones are not written. The next cycle brings the reports up to date. Needs no lease and may
    run while the daemon works. Other imports of this client wait for each other.

    Args:
        source: a path, or `-` for standard input; see `csv_files.open_csv`.
        timezone: the timezone of days; a time with an offset counts as the day that it is there.
        dry_run: do everything, then roll back.
        complete: remove outcomes that the file does not contain.
        progress: called from time to time with the number of rows read.

    Raises:
        BadInput: every error in the file with its line, or a complete list names no application at all that is stored.
            Nothing was written.
        DatabaseUnavailable: nothing was written.
    """

    def take_in(connection: Connection, file: CsvFile, mistakes: Mistakes) -> Imported:
        today = lists.now(connection).astimezone(timezone).date()

        def values(line_no: int, fields: dict[str, str]) -> Row:
            return _values(line_no, fields, timezone, today, mistakes)

        read = load(connection, file, outcomes.LIST, _COLUMNS, values, mistakes, progress)
        add_repeated(connection, outcomes.LIST, "the profile_id and stage", mistakes)
        early = outcomes.too_early(connection, client_id, timezone.key, MAX_MISTAKES)
        add_lines(early, _EARLY, mistakes)
        mistakes.raise_any()
        clients.lock(connection, client_id)
        unknown = outcomes.take_out_unknown(connection, client_id, MAX_NAMED)
        if complete and unknown.lines == read:
            raise BadInput(_STRANGERS)
        merged = merge(connection, client_id, outcomes.LIST, read - unknown.lines, complete=complete)
        return Imported(
            read,
            merged.new,
            merged.changed,
            merged.unchanged,
            unknown.lines,
            unknown.applications,
            unknown.profile_ids,
            merged.removed,
            tuple(RemovedOutcome(*keys) for keys in merged.removed_keys),
            (*file.notes, *mistakes.notes()),
        )

    return import_list(database, source, OF_AN_OUTCOME, take_in, dry_run=dry_run)


def _values(line_no: int, fields: dict[str, str], timezone: ZoneInfo, today: date, mistakes: Mistakes) -> Row:
    profile_id = required("profile_id", fields["profile_id"], MAX_ID_BYTES, line_no, mistakes)
    stage = parsed(parse_stage, fields["stage"], line_no, mistakes)
    return profile_id, stage, _day(line_no, fields["date"], timezone, today, mistakes)


def _day(line_no: int, written: str, timezone: ZoneInfo, today: date, mistakes: Mistakes) -> date | None:
    try:
        day = parse_moment(written.strip(), timezone).astimezone(timezone).date()
    except (ValueError, OverflowError):
        mistakes.add(line_no, f"the date is {quoted(written)}; {_DATES}")
        return None
    if day > today:
        mistakes.add(line_no, f"the date {day} is in the future")
    return day
