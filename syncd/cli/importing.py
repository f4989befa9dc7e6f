"""What the commands that import a file have in common: their options, the progress, and how the result is printed."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import date
from typing import Any, Protocol, TypeVar

import click

from syncd.cli.clients import one_client
from syncd.cli.context import Globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.progress import ProgressLine
from syncd.settings import ClientSettings

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Check the file and report what would change; write nothing."
)


class _Imported(Protocol):
    @property
    def read(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=_Imported)


def run_import(
    context: Globals,
    client_id: str | None,
    import_it: Callable[..., T],
    source: str,
    *,
    what: str,
    **how: bool,
) -> tuple[ClientSettings, T]:
    """Import a file for one client, and show the progress.

    Args:
        import_it: such as `import_jobs`.
        what: the rows, for the progress line.
        how: `dry_run` and `complete`.
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
                database, client.client_id, source, timezone=client.timezone, progress=progress, **how
            )
        finally:
            line.clear()
    return client, imported


def print_json(client: ClientSettings, imported: Any, *, dry_run: bool) -> None:
    """Print the result for programs."""
    facts = {"client_id": client.client_id, "dry_run": dry_run, **asdict(imported)}
    click.echo(json.dumps(facts, default=date.isoformat))


def print_summary(
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


def print_named(done: str, named: Iterable[str], total: int) -> None:
    """Print a line for each of the first rows, and how many there are besides."""
    lines = [f"  {done}: {name}" for name in named]
    for line in lines:
        click.echo(line)
    if more := total - len(lines):
        click.echo(f"  and {more:,} more")
