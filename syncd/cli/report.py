"""`syncd report`: pages for people who look at reports rather than query them."""

import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import snapshots_of
from syncd.cli.files import write_all
from syncd.cli.report_files import STDOUT, Files
from syncd.cli.streams import if_lost
from syncd.cli.suggestions import nearest
from syncd.deadline import Deadline
from syncd.publishing.languages import Language, language_of
from syncd.reporting.as_csv import as_csv
from syncd.reporting.as_json import as_json
from syncd.reporting.as_text import as_text
from syncd.reporting.page import page_of
from syncd.settings import Settings
from syncd.shown import printable
from syncd.signals import stop_on_signals
from syncd.store.report_figures import MonthReport
from syncd.store.report_month import VIEWS, known_clients, month_report
from syncd.store.report_views import require_views

_FILE = click.Path(path_type=Path, dir_okay=False)
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@click.group()
def report() -> None:
    """Make a page of the reports: text, JSON, CSV, HTML or PDF.

    It reads the views of schema report and nothing else. A login that is a member of syncd_reader is enough, and needs
    database.url alone.
    """


@report.command()
@click.argument("yyyy_mm", metavar="YYYY-MM")
@client_option
@click.option(
    "--language",
    type=click.Choice(["de", "en"]),
    help="The language of the page. Default: the client's preferred_language.",
)
@click.option(
    "--csv",
    type=_FILE,
    is_flag=False,
    flag_value=str(STDOUT),
    metavar="[FILE.csv]",
    help="Print all figures as CSV for German Excel, or write them to FILE.csv.",
)
@click.option("--html", type=_FILE, metavar="FILE.html", help="Write the page as HTML to FILE.html.")
@click.option("--pdf", type=_FILE, metavar="FILE.pdf", help="Write the page as PDF to FILE.pdf.")
@json_option
@pass_globals
def month(context: Globals, /, yyyy_mm: str, client_id: str | None, **options: Any) -> None:
    """Show a month on one page, with last year's month beside it, and whether the data is fresh and complete.

    Prints the page as text, unless files are written. A page cuts long tables; --json and --csv have all rows. With
    several clients, each has a page of its own.

    Exit code: 0, whatever the state of the data; 2 wrong month, client or file; 4 the database has no such reports.
    """
    first = _month_of(yyyy_mm)
    files = Files(options["csv"], options["html"], options["pdf"])
    files.check()
    as_json_wanted, csv_wanted = options["as_json"], files.csv == STDOUT
    if as_json_wanted and csv_wanted:
        raise click.UsageError("--json and --csv cannot both be printed. Name a file: --csv FILE.csv")
    settings = context.settings(need_clients=False, need_media=False)
    contract, reports = _read(settings, client_id, first)
    language = options["language"] or _language(settings, reports[0].client_id)
    contents = files.contents(reports, language)
    write_all(contents)
    with if_lost("Run the command again to print the report."):
        if as_json_wanted:
            click.echo(as_json(reports, first, contract))
        elif csv_wanted:
            _print_csv(as_csv(reports, language))
        elif contents:
            click.echo("".join(f"{path} written\n" for path in contents), nl=False)
        else:
            click.echo("\n\n\n".join(as_text(page_of(each, language)) for each in reports))


def _month_of(written: str) -> date:
    if not (match := _MONTH.fullmatch(written)):
        raise click.BadParameter(
            f"'{printable(written)}' is not a month. Write it like 2026-10", param_hint="YYYY-MM"
        )
    return date(int(match[1]), int(match[2]), 1)


def _read(settings: Settings, client_id: str | None, month: date) -> tuple[str, list[MonthReport]]:
    """Read the reports of the chosen clients in one transaction, and return the views' version with them.

    Without configured clients, as an analyst has it, the clients are those that the database knows.
    """
    if settings.clients:
        chosen_clients(settings, client_id)

    def look(connection: Connection) -> tuple[str, list[MonthReport]]:
        contract = require_views(connection, VIEWS)
        ids = [client.client_id for client in settings.clients] or known_clients(connection)
        if client_id is not None and client_id not in ids:
            raise click.UsageError(
                f"no client '{printable(client_id)}' in the database; its clients: {', '.join(ids) or 'none'}"
                + (f".{hint}" if (hint := nearest(client_id, ids)) else "")
            )
        wanted = ids if client_id is None else [client_id]
        if not wanted:
            raise click.UsageError("the database has no clients yet. Run `syncd sync` first")
        return contract, [month_report(connection, each, month) for each in wanted]

    with snapshots_of(settings) as database:
        return database.transact(look, Deadline(120, stop=stop_on_signals()), patience=0)


def _language(settings: Settings, client_id: str) -> Language:
    """Return the language of a client; German, as the setting's default, for a client that is not configured."""
    preferred = [client.preferred_language for client in settings.clients if client.client_id == client_id]
    return language_of(preferred[0]) if preferred else "de"


def _print_csv(table: bytes) -> None:
    """Print the bytes of the file, but text on a terminal, which shows no byte order mark."""
    click.echo(table.decode("utf-8-sig") if sys.stdout.isatty() else table, nl=False)
