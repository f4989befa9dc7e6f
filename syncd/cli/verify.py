"""`syncd verify`: compares stored files with their database rows."""

import json
import threading

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.exits import FAILED
from syncd.cli.wiring import clients_of, outsides_of, vault_of
from syncd.deadline import Deadline
from syncd.settings import ClientSettings, Settings
from syncd.shown import printable
from syncd.signals import stop_on_signals
from syncd.sync.client_cycle import prepare_work
from syncd.sync.verify import Fault, find_faults, repair


@click.command()
@client_option
@click.option(
    "--repair",
    "repairing",
    is_flag=True,
    help="Download missing and damaged files again, and delete files without a row.",
)
@json_option
@pass_globals
def verify(context: Globals, client_id: str | None, repairing: bool, as_json: bool) -> int:
    """Compare every stored file with its database row, and find files without a row.

    Reads every byte of every file. --repair needs the client's lease, so stop the daemon first.

    Exit code: 0 all files are intact, or everything was repaired; 1 a file is missing, damaged or without a row, and was
    not repaired; 4 --repair was refused because another syncd process is working for the client.
    """
    settings = context.settings()
    chosen = chosen_clients(settings, client_id)
    stop = stop_on_signals()
    found = {client.client_id: _faults(settings, client, stop) for client in chosen}
    left = _repair(settings, chosen, stop, found) if repairing else found
    if as_json:
        click.echo(json.dumps({"clients": {name: _as_json(found[name], left[name]) for name in found}}))
    else:
        for name, faults in found.items():
            for fault in faults:
                click.echo(f"{name}: {fault.kind} {printable(fault.path)}")
            repaired = f", {len(faults) - len(left[name])} repaired" if repairing else ""
            click.echo(f"{name}: {len(faults)} fault{'s' * (len(faults) != 1)}{repaired}")
        if any(left.values()) and not repairing:
            click.echo(
                "Run `syncd verify --repair` to download missing and damaged files again and to delete files "
                "without a row."
            )
    return FAILED if any(left.values()) else 0


def _faults(settings: Settings, client: ClientSettings, stop: threading.Event) -> list[Fault]:
    with database_of(settings) as database:
        require_ready(database)
        return list(find_faults(client.client_id, database, vault_of(settings), Deadline(stop=stop)))


def _repair(
    settings: Settings,
    chosen: tuple[ClientSettings, ...],
    stop: threading.Event,
    found: dict[str, list[Fault]],
) -> dict[str, list[Fault]]:
    with clients_of(settings, chosen) as clients, outsides_of(settings) as outsides:
        return {
            client.plan.client_id: repair(prepare_work(client, outsides, stop), found[client.plan.client_id])
            for client in clients
        }


def _as_json(found: list[Fault], left: list[Fault]) -> dict[str, object]:
    return {
        "faults": [{"kind": fault.kind, "path": printable(fault.path)} for fault in found],
        "mended": len(found) - len(left),
    }
