"""`syncd status`: the sync status of each client."""

import json
from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of
from syncd.cli.triggers import next_run_at
from syncd.deadline import Deadline
from syncd.settings import ClientSettings
from syncd.store import migrate
from syncd.store.status import ClientStatus, of_clients


@click.command()
@client_option
@json_option
@pass_globals
def status(context: Globals, client_id: str | None, as_json: bool) -> None:
    """Show the sync status of each client: its last successful cycle and its open work.

    Open work is: applications that are not confirmed yet, files that are not fetched yet, and profiles in quarantine.
    Watch the age of the oldest unconfirmed application above all: PitchYou deletes applications after some time.

    Exit code: 0, whatever the status. For alarms, evaluate the fields of --json.
    """
    settings = context.settings(need_media=False)
    chosen = chosen_clients(settings, client_id)

    def look(connection: Connection) -> list[ClientStatus]:
        migrate.require_head(connection)
        return of_clients(connection, [client.client_id for client in chosen])

    with database_of(settings) as database:
        found = database.transact(look, Deadline(30), patience=0)
    now = datetime.now(UTC)
    entries = [_entry(client, state, now) for client, state in zip(chosen, found, strict=True)]
    if as_json:
        click.echo(json.dumps({"clients": entries}, default=lambda moment: moment.isoformat()))
        return
    for entry in entries:
        click.echo(_as_text(entry))


def _entry(client: ClientSettings, state: ClientStatus, now: datetime) -> dict[str, object]:
    return {
        "client_id": state.client_id,
        "last_ok": state.last_ok_at,
        "age_seconds": None if state.last_ok_age is None else round(state.last_ok_age),
        "last_outcome": state.last_outcome,
        "last_error": state.last_error,
        "unconfirmed": state.unconfirmed,
        "oldest_unconfirmed": state.oldest_unconfirmed_at,
        "oldest_unconfirmed_seconds": (
            None if state.oldest_unconfirmed_age is None else round(state.oldest_unconfirmed_age)
        ),
        "confirm_refused": state.confirm_refused,
        "pending_media": state.pending_media,
        "quarantined": state.quarantined,
        "next_run": next_run_at(client.schedule, client.schedule_timezone, state.last_started_at, now),
        "synced_by": "/".join(state.holder.split("/")[:2]) if state.holder else None,
    }


def _as_text(entry: dict[str, object]) -> str:
    last_ok = (
        f"{_moment(entry['last_ok'])} ({_age(entry['age_seconds'])} ago)" if entry["last_ok"] else "never"
    )
    oldest = f", oldest: {_age(entry['oldest_unconfirmed_seconds'])}" if entry["unconfirmed"] else ""
    refused = f", {entry['confirm_refused']} of them refused" if entry["confirm_refused"] else ""
    lines = [
        str(entry["client_id"]),
        f"  last ok          {last_ok}",
        f"  last cycle       {entry['last_outcome'] or 'none'}"
        + (f": {entry['last_error']}" if entry["last_error"] else ""),
        f"  unconfirmed      {entry['unconfirmed']}{oldest}{refused}",
        f"  pending media    {entry['pending_media']}",
        f"  quarantined      {entry['quarantined']}",
        f"  next run         {_moment(entry['next_run'])}",
        f"  synced by        {entry['synced_by'] or 'no process right now'}",
    ]
    return "\n".join(lines)


def _moment(value: object) -> str:
    """Show a time as the clocks of this machine show it, with their offset from UTC."""
    return value.astimezone().isoformat(" ", "seconds") if isinstance(value, datetime) else "-"


def _age(value: object) -> str:
    seconds = value if isinstance(value, int) else 0
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
