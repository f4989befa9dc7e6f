"""Imports what sources have cost from a CSV file."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.moments import parse_month
from syncd.recruiting.amounts import DEFAULT_CURRENCY, parse_amount, parse_currency
from syncd.recruiting.columns import OF_A_COST
from syncd.recruiting.csv_files import MAX_MISTAKES, CsvFile, Mistakes
from syncd.recruiting.list_files import (
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
from syncd.shown import quoted
from syncd.store import clients, costs, lists
from syncd.store.database import Database

MAX_SOURCE_BYTES = 1024
_COLUMNS = ("month", "source", "currency", "amount")
_FIRST_YEAR = 2000
_MONTHS = "write a month like 2026-11 or 11.2026"
_SAME = "the month, source and currency"
_HIDDEN = (
    "the source holds an address or a number to call, which reports show as (personal); write (personal) for the costs of "
    "all such sources"
)

Row = tuple[date | None, str | None, str | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class RemovedCost:
    """The keys of an amount that was removed."""

    month: date
    source: str
    currency: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do in a dry run. `read` is the sum of `new`, `changed` and `unchanged`.

    `removed` counts amounts that a complete list lacks, and `removed_costs` names the first 1,000 of them. `notes` are
    messages for the author of the file.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    removed: int
    removed_costs: tuple[RemovedCost, ...]
    notes: tuple[str, ...]


def import_costs(
    database: Database,
    client_id: str,
    source: str | Path,
    *,
    timezone: ZoneInfo,
    dry_run: bool = False,
    complete: bool = False,
    progress: Progress = no_progress,
) -> Imported:
    """Import amounts by month, source and currency in one transaction, completely or not at all.

    Replaces known amounts; equal ones are not written. Needs no lease and may run while the daemon works. Other imports of
    this client wait for each other.

    Args:
        source: a path, or `-` for standard input; see `csv_files.open_csv`.
        timezone: tells which month it is.
        dry_run: do everything, then roll back.
        complete: remove amounts of the file's months that the file does not contain.
        progress: called from time to time with the number of rows read.

    Raises:
        BadInput: every error in the file with its line. Nothing was written.
        DatabaseUnavailable: nothing was written.
    """

    def take_in(connection: Connection, file: CsvFile, mistakes: Mistakes) -> Imported:
        today = lists.now(connection).astimezone(timezone).date()
        currencies: Counter[str] = Counter()

        def values(line_no: int, fields: dict[str, str]) -> Row:
            return _values(line_no, fields, today, mistakes, currencies)

        read = load(connection, file, costs.LIST, _COLUMNS, values, mistakes, progress)
        add_lines(costs.fold_sources(connection, MAX_MISTAKES), _HIDDEN, mistakes)
        add_repeated(connection, costs.LIST, _SAME, mistakes)
        mistakes.raise_any()
        clients.lock(connection, client_id)
        merged = merge(connection, client_id, costs.LIST, read, complete=complete, within=costs.LISTED_MONTHS)
        return Imported(
            read,
            merged.new,
            merged.changed,
            merged.unchanged,
            merged.removed,
            tuple(RemovedCost(*keys) for keys in merged.removed_keys),
            (*file.notes, *_about(currencies), *mistakes.notes()),
        )

    return import_list(database, source, OF_A_COST, take_in, dry_run=dry_run)


def _values(
    line_no: int, fields: dict[str, str], today: date, mistakes: Mistakes, currencies: Counter[str]
) -> Row:
    month = _month(line_no, fields["month"], today, mistakes)
    source = _source(line_no, fields["source"], mistakes)
    found = parsed(parse_amount, fields["amount"], line_no, mistakes)
    currency = parsed(parse_currency, fields.get("currency", ""), line_no, mistakes)
    if found is None or currency is None:
        return month, source, None, None
    amount, named = found
    if named and currency and named != currency:
        mistakes.add(line_no, f"the amount is in {named}, but the currency is {currency}")
    if amount < 0:
        mistakes.note(line_no, "the amount is negative; it counts as a credit")
    code = currency or named or DEFAULT_CURRENCY
    currencies[code] += 1
    return month, source, code, amount


def _source(line_no: int, written: str, mistakes: Mistakes) -> str | None:
    if not written.strip():
        mistakes.add(
            line_no, "the source is empty; write (none) for the costs of applications without a source"
        )
        return None
    return required("source", written, MAX_SOURCE_BYTES, line_no, mistakes)


def _month(line_no: int, written: str, today: date, mistakes: Mistakes) -> date | None:
    try:
        month = parse_month(written.strip())
    except ValueError:
        month = date.min
    if month.year < _FIRST_YEAR:
        mistakes.add(line_no, f"the month is {quoted(written)}; {_MONTHS}")
        return None
    if month > today:
        mistakes.add(line_no, f"the month {month:%Y-%m} is in the future")
    return month


def _about(currencies: Counter[str]) -> list[str]:
    """Return a note if not all amounts are in the currency of files that name none."""
    others = sorted(set(currencies) - {DEFAULT_CURRENCY})
    if not others:
        return []
    lines = sum(currencies[code] for code in others)
    return [
        f"{lines:,} {'amount is' if lines == 1 else 'amounts are'} not in {DEFAULT_CURRENCY} but in "
        f"{', '.join(others[:10])}. Reports do not add up different currencies."
    ]
