"""`syncd status`: the sync status of each client."""

import json
from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of
from syncd.cli.triggers import next_run_at
from syncd.cli.verdict import Problem, Verdict, age, as_lines, problems_of, worst
from syncd.deadline import Deadline
from syncd.errors import BadInput, ConfigurationError, SyncdError
from syncd.settings import ClientSettings, Settings
from syncd.store import migrate
from syncd.store.status import ClientStatus, of_clients, of_clients_of_any_schema


@click.command()
@client_option
@click.option(
    "--check",
    is_flag=True,
    help="Print OK, WARNING or CRITICAL by the limits of [status], for a monitoring system.",
)
@json_option
@pass_globals
def status(context: Globals, client_id: str | None, check: bool, as_json: bool) -> int:
    """Show the sync status of each client: its last successful cycle and its open work.

    Open work is: applications that are not confirmed yet, files that are not fetched yet, and profiles in quarantine.
    Watch the age of the oldest unconfirmed application above all: PitchYou deletes applications after some time.

    Exit code: 0, whatever the status. With --check, as plugins of Nagios: 0 OK; 1 WARNING; 2 CRITICAL, also if the
    database cannot be reached; 3 UNKNOWN if the configuration cannot be used.
    """
    if check:
        return _check(context, client_id, as_json)
    settings = context.settings(need_media=False)
    chosen = chosen_clients(settings, client_id)

    def look(connection: Connection) -> list[ClientStatus]:
        migrate.require_head(connection)
        return of_clients(connection, [client.client_id for client in chosen])

    with database_of(settings) as database:
        found = database.transact(look, Deadline(30), patience=0)
    entries = _entries(chosen, found)
    if as_json:
        _print_json({"clients": entries})
        return 0
    for entry in entries:
        click.echo(_as_text(entry))
    return 0


def _check(context: Globals, client_id: str | None, as_json: bool) -> int:
    """Print the verdict, and return its number."""
    chosen: tuple[ClientSettings, ...] = ()
    states: list[ClientStatus] = []
    try:
        settings = context.settings(need_media=False)
        chosen = chosen_clients(settings, client_id)
    except (ConfigurationError, BadInput) as error:
        reason = "; ".join(error.problems)
        problems = [Problem(Verdict.UNKNOWN, None, f"the configuration cannot be used: {reason}")]
    except click.ClickException as error:
        problems = [Problem(Verdict.UNKNOWN, None, error.format_message())]
    else:
        try:
            states = _look_at_any_schema(settings, chosen)
        except SyncdError as error:
            problems = [Problem(Verdict.CRITICAL, None, f"{error}. The status of the clients is unknown.")]
        else:
            now = datetime.now(UTC)
            problems = [
                problem
                for client, state in zip(chosen, states, strict=True)
                for problem in problems_of(client, state, settings.status, now)
            ]
    verdict = worst(problems)
    if as_json:
        shown = [
            {"verdict": each.verdict.name, "client_id": each.client_id, "message": each.message}
            for each in problems
        ]
        _print_json(
            {"verdict": verdict.name, "problems": shown, "clients": _entries(chosen[: len(states)], states)}
        )
    else:
        for line in as_lines(problems, states):
            click.echo(line)
    return int(verdict)


def _look_at_any_schema(settings: Settings, chosen: tuple[ClientSettings, ...]) -> list[ClientStatus]:
    def look(connection: Connection) -> list[ClientStatus]:
        # While an update is under way, the schema may be older or newer than this version.
        if migrate.current(connection) is None:
            migrate.require_head(connection)
        return of_clients_of_any_schema(connection, [client.client_id for client in chosen])

    with database_of(settings) as database:
        return database.transact(look, Deadline(30), patience=0)


def _print_json(document: dict[str, object]) -> None:
    click.echo(json.dumps(document, default=lambda moment: moment.isoformat()))


def _entries(chosen: tuple[ClientSettings, ...], found: list[ClientStatus]) -> list[dict[str, object]]:
    now = datetime.now(UTC)
    return [_entry(client, state, now) for client, state in zip(chosen, found, strict=True)]


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
        "failures": state.failures,
        "oldest_pending_media_seconds": None
        if state.oldest_pending_age is None
        else round(state.oldest_pending_age),
        "next_run": state.next_start_at
        or next_run_at(client.schedule, client.schedule_timezone, state.last_started_at, now),
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
    return age(value if isinstance(value, int) else None)
