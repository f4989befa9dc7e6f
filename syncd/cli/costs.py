"""`syncd costs`: imports what sources have cost from a file, and lists it."""

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import click

from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.importing import Summary, import_and_print, import_options, listed_rows
from syncd.recruiting.costs import Imported, import_costs
from syncd.shown import printable
from syncd.store.costs import listed


@click.group()
def costs() -> None:
    """Import what sources have cost from a CSV file, and list it.

    A source is the utm_source of applications. Reports then show what an application and a hire have cost by source.
    """


@costs.command("import")
@import_options(
    complete="Treat the file as complete for its months: remove amounts of these months that it does not contain."
)
def import_file(context: Globals, **asked: Any) -> None:
    """Import a CSV file of costs (- reads standard input). A file with errors is rejected as a whole.

    Columns: month, source and amount are required, currency is optional (default: EUR). German names also work: Monat,
    Quelle, Betrag, Währung.

    Format: separated by comma, semicolon or tab; encoded in UTF-8 or Windows-1252; months as 2026-11, 11.2026 or Nov 26;
    amounts as 1234.56, 1.234,56 or 1,234.56. A negative amount is a credit. An amount such as 1.234 is rejected, since it
    may mean two things.

    An amount replaces the known one of the same month, source and currency. Sources are compared without regard to case.

    Exit code: 0 imported; 2 the file has errors (up to 1,000 are listed by line) and nothing was written.
    """
    import_and_print(context, import_costs, "costs", _summary, **asked)


def _summary(imported: Imported, would_be: str) -> Summary:
    removed = (
        f"{cost.month:%Y-%m}  {printable(cost.source)}  {cost.currency}" for cost in imported.removed_costs
    )
    return Summary(
        counts=(
            (imported.new, "new"),
            (imported.changed, "changed"),
            (imported.unchanged, "unchanged"),
            (imported.removed, "removed (not in the file)"),
        ),
        named=[(f"{would_be}removed", removed, imported.removed)],
    )


@costs.command("list")
@client_option
@json_option
@pass_globals
def list_costs(context: Globals, client_id: str | None, as_json: bool) -> None:
    """List the imported costs, newest month first."""
    found = listed_rows(context, client_id, listed)
    if as_json:
        click.echo(json.dumps({"costs": [asdict(cost) for cost in found]}, default=_for_json))
        return
    for cost in found:
        click.echo(
            f"{cost.client_id}  {cost.month:%Y-%m}  {printable(cost.source)}  {cost.amount:,} {cost.currency}"
        )
    if not found:
        click.echo("No costs.")


def _for_json(value: date | Decimal) -> float | str:
    return float(value) if isinstance(value, Decimal) else value.isoformat()
