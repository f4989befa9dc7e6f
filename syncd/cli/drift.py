"""`syncd drift`: fields of the payload that syncd does not know."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.deadline import Deadline
from syncd.pitchyou.drift import mapped_paths
from syncd.shown import printable
from syncd.signals import stop_on_signals
from syncd.store import drift as store
from syncd.store.drift import Drifted


@click.command()
@client_option
@json_option
@pass_globals
def drift(context: Globals, client_id: str | None, as_json: bool) -> None:
    """List the fields of the payload that syncd does not know, with their types. Shows no values.

    Their values are stored all the same, in `extra` of ats.application_contact and ats.answer, and in
    ats.application_raw. To take a field up into a column of its own, name its path in [clients.fields], and run `syncd
    replay`.
    """
    settings = context.settings(need_media=False)
    chosen = chosen_clients(settings, client_id)
    with database_of(settings) as database:
        require_ready(database)
        names = [client.client_id for client in chosen]
        deadline = Deadline(30, stop=stop_on_signals())
        found = database.transact(lambda c: store.listed(c, names), deadline, patience=0)
    mapped = {client.client_id: mapped_paths(client.fields) for client in chosen}
    if as_json:
        entries = [asdict(each) | {"mapped_to": mapped[each.client_id].get(each.path)} for each in found]
        click.echo(
            json.dumps({"drift": entries}, default=lambda moment: moment.isoformat(), ensure_ascii=False)
        )
        return
    for each in found:
        click.echo(_line(each, mapped[each.client_id]))
    if not found:
        click.echo("No unknown fields. They are noted when applications are stored, and by `syncd replay`.")


def _line(found: Drifted, mapped: Mapping[str, str]) -> str:
    what = printable(found.path) if found.path != "*" else "further fields, which are not told apart"
    target = mapped.get(found.path)
    note = f"  mapped to {target}; run `syncd replay`" if target else ""
    return (
        f"{found.client_id}  {what}  {found.type}  {found.seen:,} profile{'s' * (found.seen != 1)}, "
        f"{found.first_seen_at:%Y-%m-%d} to {found.last_seen_at:%Y-%m-%d}{note}"
    )
