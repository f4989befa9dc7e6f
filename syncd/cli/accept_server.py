"""`syncd accept-server`: records that a client's applications come from another server from now on."""

import json

import click

from syncd.cli.clients import one_client
from syncd.cli.context import Globals, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.deadline import Deadline
from syncd.pitchyou import server_of
from syncd.signals import stop_on_signals
from syncd.store import clients


@click.command("accept-server")
@one_client_option
@json_option
@pass_globals
def accept_server(context: Globals, client_id: str | None, as_json: bool) -> None:
    """Accept that a client's base_url now leads to another server with the same applications.

    syncd remembers the server that a client's applications came from, and refuses another one: it may give the same ids
    to other people, whose applications would then replace the stored ones. Run this command only if the same tenant has
    moved. For another tenant or a test system, use another database.

    May run while the daemon works; the next cycle uses the server.
    """
    settings = context.settings(need_media=False)
    client = one_client(settings, client_id)
    server = server_of(client.base_url)
    deadline = Deadline(60, stop=stop_on_signals())
    with database_of(settings) as database:
        require_ready(database)
        before = database.transact(lambda c: clients.accept_server(c, client.client_id, server), deadline)
    if as_json:
        click.echo(json.dumps({"client_id": client.client_id, "before": before, "server": server}))
    elif before is None:
        click.echo(f"{client.client_id}: no applications yet. The next cycle will remember {server}.")
    elif before == server:
        click.echo(f"{client.client_id}: {server} is the server that its applications came from.")
    else:
        click.echo(f"{client.client_id}: accepted {server} in place of {before}.")
