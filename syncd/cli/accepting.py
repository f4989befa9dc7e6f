"""What `syncd verify` says of a database and a media root that do not belong together, and `--accept`."""

import threading
from dataclasses import dataclass

import click

from syncd.cli.database import database_of, require_ready
from syncd.cli.wiring import clients_of, outsides_of, vault_of
from syncd.deadline import Deadline
from syncd.errors import MediaStoreFailed, NotOurPair
from syncd.settings import ClientSettings, Settings
from syncd.shown import printable, quoted
from syncd.sync.client_cycle import prepare_work
from syncd.sync.client_store import ClientReader
from syncd.sync.concerned import Concerned
from syncd.sync.pair import Mismatch, accept, require_pair
from syncd.sync.recover import require_mounted


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted for one client."""

    mismatch: Mismatch
    concerned: Concerned


@dataclass(frozen=True, slots=True)
class Pairing:
    """Whether one client's rows and files belong together: why not, and what was accepted; None for neither."""

    problem: str | None = None
    accepted: Accepted | None = None


def pairing_of(settings: Settings, client: ClientSettings, stop: threading.Event) -> Pairing:
    """Say why the two do not belong together, if they do not. A disk that is not mounted says nothing."""
    vault, deadline = vault_of(settings), Deadline(stop=stop)
    with database_of(settings) as database:
        require_ready(database)
        store = ClientReader(database, client.client_id, deadline)
        try:
            require_mounted(store, vault)
            require_pair(store, vault, deadline)
        except NotOurPair as error:
            return Pairing(str(error))
        except MediaStoreFailed:
            # The faults say so file by file.
            return Pairing()
    return Pairing()


def accept_all(
    settings: Settings, chosen: tuple[ClientSettings, ...], stop: threading.Event, disk_of: str | None
) -> dict[str, Pairing]:
    """Accept the rows and files of each client as they are now.

    Raises:
        Refused: another process works for a client, or the media root is of another store than `disk_of`.
        MediaStoreFailed: the media root is not mounted, or takes no file.
    """
    pairings = {}
    with clients_of(settings, chosen) as clients, outsides_of(settings) as outsides:
        require_ready(outsides.database)
        for client in clients:
            work = prepare_work(client, outsides, stop)
            require_mounted(work.store, work.vault)
            found = accept(work, disk_of)
            pairings[client.plan.client_id] = Pairing(accepted=Accepted(*found) if found else None)
    return pairings


def print_pairing(name: str, pairing: Pairing, accepting: bool) -> None:
    """Print the problem, or each application that is concerned by what was accepted."""
    if pairing.problem:
        click.echo(printable(pairing.problem))
    if pairing.accepted:
        found = pairing.accepted.concerned
        for profile_id in found.without_row:
            click.echo(f"{name}: application {quoted(profile_id, 80)}: files without a row")
        for profile_id in found.only_confirmed:
            click.echo(f"{name}: application {quoted(profile_id, 80)}: confirmed, and not in the database")
        for profile_id in found.without_file:
            click.echo(f"{name}: application {quoted(profile_id, 80)}: files are missing")
        if found.unnamed:
            click.echo(f"{name}: {found.unnamed} files of no known application")
        click.echo(f"{name}: accepted ({pairing.accepted.mismatch}). ops.acceptance keeps the list.")
    elif accepting:
        click.echo(f"{name}: the database and the media root belong together. Nothing to accept.")


def pairing_as_json(pairing: Pairing) -> dict[str, object]:
    """Return the keys that `verify --json` adds for a client."""
    accepted = pairing.accepted
    return {
        "pair_problem": pairing.problem,
        "accepted": accepted
        and {
            "kind": accepted.mismatch.value,
            "without_row": [printable(each) for each in accepted.concerned.without_row],
            "only_confirmed": [printable(each) for each in accepted.concerned.only_confirmed],
            "without_file": [printable(each) for each in accepted.concerned.without_file],
        },
    }
