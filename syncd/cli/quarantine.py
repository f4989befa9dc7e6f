"""`syncd quarantine`: profiles that could not be parsed."""

import base64
import json
from dataclasses import asdict

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.exits import FAILED, PARTLY
from syncd.cli.wiring import clients_of, outsides_of
from syncd.deadline import Deadline
from syncd.shown import printable
from syncd.signals import stop_on_signals
from syncd.store import quarantine as store
from syncd.store.quarantine import Quarantined
from syncd.sync.client_cycle import prepare_work
from syncd.sync.retry_quarantine import Retried, retry_quarantined


@click.group()
def quarantine() -> None:
    """List, show and retry profiles that could not be parsed.

    syncd stores the bytes of such a profile and does not confirm it, so that PitchYou keeps it as well.
    """


@quarantine.command("list")
@client_option
@click.option("--all", "resolved", is_flag=True, help="Include resolved entries.")
@json_option
@pass_globals
def list_entries(context: Globals, client_id: str | None, resolved: bool, as_json: bool) -> None:
    """List the quarantined profiles and why each could not be parsed, oldest first."""
    settings = context.settings(need_clients=False, need_media=False)
    if client_id is not None:
        chosen_clients(settings, client_id)
    with database_of(settings) as database:
        require_ready(database)
        found = database.transact(
            lambda c: store.entries(c, client_id, resolved=resolved), Deadline(30), patience=0
        )
    if as_json:
        click.echo(json.dumps({"quarantine": [asdict(entry) for entry in found]}, default=str))
        return
    for entry in found:
        click.echo(_line(entry))
    if not found:
        click.echo("The quarantine is empty.")


@quarantine.command()
@click.argument("quarantine_id", type=int)
@json_option
@pass_globals
def show(context: Globals, quarantine_id: int, as_json: bool) -> int:
    """Show one quarantined profile with its bytes, by the number that `quarantine list` prints first.

    The output contains an applicant's personal data. Make sure that nobody else can see it.
    """
    settings = context.settings(need_clients=False, need_media=False)
    with database_of(settings) as database:
        require_ready(database)
        found = database.transact(lambda c: store.show(c, quarantine_id), Deadline(30), patience=0)
    if found is None:
        click.echo(f"No quarantine entry {quarantine_id}. Run `syncd quarantine list --all`.", err=True)
        return FAILED
    entry, payload = found
    if as_json:
        fields = asdict(entry) | {"payload_base64": base64.b64encode(payload).decode()}
        click.echo(json.dumps(fields, default=str))
    else:
        click.echo(_line(entry))
        click.echo(printable(payload.decode("utf-8", "backslashreplace")))
    return 0


@quarantine.command()
@client_option
@json_option
@pass_globals
def retry(context: Globals, client_id: str | None, as_json: bool) -> int:
    """Parse the quarantined profiles again. Run it after an upgrade or a change of [clients.fields].

    Stores every profile that can be parsed now. The next cycle fetches its files and confirms it. Needs the client's
    lease, so stop the daemon first.

    Exit code: 0 no profile is left in quarantine; 3 some still cannot be parsed; 4 another syncd process is working for
    the client.
    """
    settings = context.settings()
    chosen = chosen_clients(settings, client_id)
    stop = stop_on_signals()
    results: dict[str, Retried] = {}
    with clients_of(settings, chosen) as clients, outsides_of(settings) as outsides:
        require_ready(outsides.database)
        for client in clients:
            results[client.plan.client_id] = retry_quarantined(prepare_work(client, outsides, stop))
    if as_json:
        click.echo(json.dumps({"clients": {name: asdict(result) for name, result in results.items()}}))
    else:
        for name, result in results.items():
            click.echo(
                f"{name}: {result.landed} stored, {result.overtaken} superseded by a newer version, "
                f"{result.still_bad} still unreadable"
            )
    return PARTLY if any(result.still_bad for result in results.values()) else 0


def _line(entry: Quarantined) -> str:
    resolved = f", resolved {entry.resolved_at:%Y-%m-%d %H:%M}" if entry.resolved_at else ""
    return (
        f"{entry.quarantine_id}  {entry.client_id}  profile {printable(entry.profile_id or '?')}  "
        f"{entry.first_seen_at:%Y-%m-%d %H:%M}  {entry.size_bytes} bytes, {entry.attempts} attempts{resolved}: "
        f"{entry.error}"
    )
