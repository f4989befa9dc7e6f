"""What the commands that import a file have in common: their options, the progress, and how the result is printed."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Protocol, TypeVar, cast

import click
from sqlalchemy import Connection

from syncd.cli.clients import chosen_clients, one_client
from syncd.cli.context import Globals, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.progress import ProgressLine
from syncd.deadline import Deadline
from syncd.settings import ClientSettings

_dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Check the file and report what would change; write nothing."
)


def import_options(*, complete: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the argument and the options of a command that imports a file, and pass the globals first.

    Args:
        complete: the help of `--complete`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        complete_option = click.option("--complete", is_flag=True, help=complete)
        for each in (
            pass_globals,
            json_option,
            complete_option,
            _dry_run_option,
            one_client_option,
            click.argument("file"),
        ):
            command = each(command)
        return command

    return decorate


class _Imported(Protocol):
    @property
    def read(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=_Imported)
L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a person reads about an import.

    Attributes:
        counts: how many rows became what.
        named: what was done to the rows to be named, the first of them, and the number of all.
    """

    counts: Sequence[tuple[int, str]]
    named: Sequence[tuple[str, Iterable[str], int]]


def import_and_print(
    context: Globals,
    import_it: Callable[..., T],
    what: str,
    summary: Callable[[T, str], Summary],
    *,
    file: str,
    client_id: str | None,
    dry_run: bool,
    complete: bool,
    as_json: bool,
) -> None:
    """Import a file for one client, show the progress, and print what came of it.

    Args:
        import_it: such as `import_jobs`.
        what: the rows, such as `jobs`.
        summary: returns the summary of what `import_it` has returned. Its second argument stands before what was done:
            `would be ` in a dry run, otherwise nothing.
    """
    settings = context.settings(need_clients=False, need_media=False)
    client = one_client(settings, client_id)
    line = ProgressLine()

    def progress(read: int) -> None:
        line.show(f"{client.client_id}: {read:,} {what} read")

    with database_of(settings) as database:
        require_ready(database)
        try:
            imported = import_it(
                database,
                client.client_id,
                file,
                timezone=client.timezone,
                progress=progress,
                dry_run=dry_run,
                complete=complete,
            )
        finally:
            line.clear()
    if as_json:
        facts = {"client_id": client.client_id, "dry_run": dry_run, **asdict(cast("Any", imported))}
        click.echo(json.dumps(facts, default=date.isoformat))
        return
    told = summary(imported, "would be " * dry_run)
    _print_counts(client, imported, told.counts, what=what, dry_run=dry_run)
    for done, rows, total in told.named:
        _print_named(done, rows, total)


def _print_counts(
    client: ClientSettings,
    imported: _Imported,
    counts: Iterable[tuple[int, str]],
    *,
    what: str,
    dry_run: bool,
) -> None:
    """Print the notes to stderr, and the counts that are above 0 in one line."""
    for note in imported.notes:
        click.echo(f"syncd: {note}", err=True)
    told = ", ".join(f"{count:,} {how}" for count, how in counts if count)
    untouched = " (dry run: nothing was written)" * dry_run
    click.echo(f"{client.client_id}: {imported.read:,} {what} read: {told}{untouched}")


def _print_named(done: str, named: Iterable[str], total: int) -> None:
    """Print a line for each of the first rows, and how many there are besides."""
    lines = [f"  {done}: {name}" for name in named]
    for line in lines:
        click.echo(line)
    if more := total - len(lines):
        click.echo(f"  and {more:,} more")


def listed_rows(
    context: Globals, client_id: str | None, query: Callable[[Connection, list[str] | None], list[L]]
) -> list[L]:
    """Select the rows of one client, or of all in the database.

    Args:
        query: takes the ids of the clients; None stands for all.
    """
    settings = context.settings(need_clients=False, need_media=False)
    if client_id is not None:
        chosen_clients(settings, client_id)
    with database_of(settings) as database:
        require_ready(database)
        ids = None if client_id is None else [client_id]
        return database.transact(lambda c: query(c, ids), Deadline(120), patience=0)
