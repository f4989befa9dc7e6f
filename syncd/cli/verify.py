"""`syncd verify`: compares stored files with their database rows."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field

import click

from syncd.cli.accepting import Pairing, accept_all, pairing_as_json, pairing_of, print_pairing
from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.exits import FAILED, REFUSED
from syncd.cli.wiring import clients_of, outsides_of, vault_of
from syncd.deadline import Deadline
from syncd.media.lost import LOST
from syncd.media.paths import profile_at
from syncd.settings import ClientSettings, Settings
from syncd.shown import printable, quoted
from syncd.signals import stop_on_signals
from syncd.sync.client_cycle import prepare_work
from syncd.sync.verify import Fault, find_faults, repair


@dataclass(frozen=True, slots=True)
class Result:
    """One client's faults, those that are left, and the new path of each file that is in `.lost` now, by its old path."""

    found: list[Fault]
    left: list[Fault]
    moved: dict[str, str] = field(default_factory=dict)


@click.command()
@client_option
@click.option(
    "--repair",
    "repairing",
    is_flag=True,
    help="Download missing and damaged files again, and move files without a row to .lost. Deletes no file.",
)
@click.option(
    "--accept",
    "accepting",
    is_flag=True,
    help="Accept that the database and the media root belong together from now on, after a restore.",
)
@click.option(
    "--disk-of",
    metavar="STORE",
    help="With --accept: take over the media root of this other store, which must not use it any more.",
)
@json_option
@pass_globals
def verify(
    context: Globals,
    client_id: str | None,
    repairing: bool,
    accepting: bool,
    disk_of: str | None,
    as_json: bool,
) -> int:
    """Compare every stored file with its database row, and find files without a row.

    Reads every byte of every file, unless --accept comes without --repair. Both need the client's lease, so stop the
    daemon first.

    Exit code: 0 all files are intact, or everything was repaired or accepted; 1 a file is missing, damaged or without a
    row, and was not repaired; 4 the database and the media root do not belong together, or another syncd process is
    working for the client.
    """
    if disk_of is not None and not accepting:
        raise click.UsageError("--disk-of says what --accept may take over; add --accept.")
    settings = context.settings()
    chosen = chosen_clients(settings, client_id)
    stop = stop_on_signals()
    if accepting:
        pairings = accept_all(settings, chosen, stop, disk_of)
        if not repairing:
            return _say_accepted(pairings, as_json)
    else:
        pairings = {client.client_id: pairing_of(settings, client, stop) for client in chosen}
    found = {client.client_id: _faults(settings, client, stop) for client in chosen}
    if repairing:
        results = _repair(settings, chosen, stop, found)
    else:
        results = {name: Result(faults, faults) for name, faults in found.items()}
    vault = vault_of(settings)
    lost = {name: vault.count_lost(name) for name in results}
    if as_json:
        clients = {
            name: _as_json(result, lost[name]) | pairing_as_json(pairings[name])
            for name, result in results.items()
        }
        click.echo(json.dumps({"clients": clients}))
    else:
        for name, result in results.items():
            print_pairing(name, pairings[name], accepting)
            _print(name, result, lost[name], repairing)
        if not repairing and any(found.values()):
            click.echo(
                "Run `syncd verify --repair` to download missing and damaged files again and to move files without a "
                "row to .lost. It deletes no file."
            )
    if any(result.left for result in results.values()):
        return FAILED
    return REFUSED if any(pairing.problem for pairing in pairings.values()) else 0


def _say_accepted(pairings: dict[str, Pairing], as_json: bool) -> int:
    if as_json:
        clients = {name: pairing_as_json(pairing) for name, pairing in pairings.items()}
        click.echo(json.dumps({"clients": clients}))
    else:
        for name, pairing in pairings.items():
            print_pairing(name, pairing, True)
    return 0


def _print(name: str, result: Result, lost: int, repairing: bool) -> None:
    for fault in result.found:
        click.echo(f"{name}: {fault.kind} {printable(fault.path)}")
    moved = Counter(profile_at(path) for path in result.moved)
    for profile_id, files in sorted(moved.items(), key=str):
        owner = (
            "files of no known application" if profile_id is None else f"application {quoted(profile_id, 80)}"
        )
        click.echo(f"{name}: {owner}: {files} moved to {LOST}/{name}")
    if moved:
        click.echo(
            f"{name}: syncd removes nothing from {LOST}/{name}. If the database is older than the files, or a "
            "copy of another one, restore the right database, move the files back, and run `syncd verify` again. "
            "Otherwise, delete them yourself."
        )
    elif lost:
        click.echo(f"{name}: {lost} files in {LOST}/{name} were not compared")
    repaired = f", {len(result.found) - len(result.left)} repaired" if repairing else ""
    click.echo(f"{name}: {len(result.found)} fault{'s' * (len(result.found) != 1)}{repaired}")


def _faults(settings: Settings, client: ClientSettings, stop: threading.Event) -> list[Fault]:
    with database_of(settings) as database:
        require_ready(database)
        return list(find_faults(client.client_id, database, vault_of(settings), Deadline(stop=stop)))


def _repair(
    settings: Settings,
    chosen: tuple[ClientSettings, ...],
    stop: threading.Event,
    found: dict[str, list[Fault]],
) -> dict[str, Result]:
    results = {}
    with clients_of(settings, chosen) as clients, outsides_of(settings) as outsides:
        for client in clients:
            name = client.plan.client_id
            work = prepare_work(client, outsides, stop)
            results[name] = Result(found[name], repair(work, found[name]), work.lost)
    return results


def _as_json(result: Result, lost: int) -> dict[str, object]:
    return {
        "faults": [{"kind": fault.kind, "path": printable(fault.path)} for fault in result.found],
        "mended": len(result.found) - len(result.left),
        "moved": [
            {"profile_id": profile_at(path), "path": printable(path), "to": printable(new)}
            for path, new in result.moved.items()
        ],
        "lost": lost,
    }
