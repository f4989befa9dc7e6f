"""`syncd templates`: lists the interview templates that PitchYou offers."""

import json
from dataclasses import asdict

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.exits import FAILED, PARTLY
from syncd.cli.wiring import pitchyou_of
from syncd.deadline import Deadline
from syncd.errors import AnotherServer, ApiError
from syncd.recruiting.templates import Synced, sync_templates
from syncd.settings import ClientSettings, Settings
from syncd.shown import printable
from syncd.signals import stop_on_signals
from syncd.store.database import Database
from syncd.store.templates import Known, listed


@click.command()
@client_option
@click.option(
    "--no-sync", is_flag=True, help="Do not ask PitchYou; print the templates stored in the database."
)
@json_option
@pass_globals
def templates(context: Globals, client_id: str | None, no_sync: bool, as_json: bool) -> int:
    """Update the list of interview templates from PitchYou and print it.

    The daemon also updates the list once a day. A template that PitchYou no longer offers stays in the database, marked
    as removed. If PitchYou's response is empty, partly unreadable or only a part of its list, no template is marked as
    removed.

    Exit code: 0 updated; 1 no client's list could be fetched; 3 some lists could not be fetched or were incomplete.
    """
    settings = context.settings(need_clients=not no_sync, need_media=False)
    chosen = chosen_clients(settings, client_id)
    deadline = Deadline(600, stop=stop_on_signals())
    with database_of(settings) as database:
        require_ready(database)
        results = [] if no_sync else [_sync(settings, client, database, deadline) for client in chosen]
        found = database.transact(
            lambda c: listed(c, [client.client_id for client in chosen] or None), Deadline(30), patience=0
        )
    if as_json:
        entries = [asdict(template) for template in found]
        click.echo(json.dumps({"templates": entries}, default=lambda moment: moment.isoformat()))
    else:
        for template in found:
            click.echo(_line(template))
        if not found:
            click.echo("No templates.")
    return _exit_code(results)


def _sync(
    settings: Settings, client: ClientSettings, database: Database, deadline: Deadline
) -> Synced | None:
    """Update one client's templates. Reports problems on stderr; returns None if the list could not be fetched."""
    try:
        with pitchyou_of(settings, client) as api:
            synced = sync_templates(api, database, deadline)
    except (ApiError, AnotherServer) as error:
        click.echo(f"syncd: {client.client_id}: {error}", err=True)
        return None
    if not synced.whole:
        part = f" It says that its list has more ({synced.more})." if synced.more else ""
        click.echo(
            f"syncd: {client.client_id}: PitchYou listed {synced.listed} templates, and {synced.unreadable} more that "
            f"could not be parsed.{part} No template was marked as removed.",
            err=True,
        )
    return synced


def _exit_code(results: list[Synced | None]) -> int:
    if results and not any(results):
        return FAILED
    return 0 if all(result is not None and result.whole for result in results) else PARTLY


def _line(template: Known) -> str:
    removed = f"  [removed {template.removed_at:%Y-%m-%d}]" if template.removed_at else ""
    description = printable(template.description or "(no description)")
    return f"{template.client_id}  {printable(template.template_key)}  {description}{removed}"
