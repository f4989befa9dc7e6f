"""`syncd replay`: reads all stored payloads again."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.exits import FAILED, PARTLY, REFUSED
from syncd.cli.progress import ProgressLine
from syncd.deadline import Deadline
from syncd.errors import Refused, Stopped, SyncdError
from syncd.settings import ClientSettings, Settings
from syncd.shown import quoted
from syncd.signals import stop_on_signals
from syncd.store.database import Database
from syncd.sync.client_store import ClientReader, ClientStore
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.replay import Replayed, Rules, rehearse
from syncd.sync.replay import replay as replay_client


@dataclass(frozen=True, slots=True)
class Result:
    """How the replay of one client ended. `done` is None if an error ended it."""

    client_id: str
    done: Replayed | None
    error: SyncdError | None = None

    @property
    def outcome(self) -> str:
        """ok, partial, refused, aborted or failed."""
        if self.error is None:
            return "partial" if self.done and self.done.left_alone else "ok"
        if isinstance(self.error, Refused):
            return "refused"
        return "aborted" if isinstance(self.error, Stopped) else "failed"


_CODES = {"ok": 0, "partial": PARTLY, "refused": REFUSED, "aborted": FAILED, "failed": FAILED}


@click.command()
@client_option
@click.option("--dry-run", is_flag=True, help="Report what would change; write nothing. Needs no lease.")
@json_option
@pass_globals
def replay(context: Globals, client_id: str | None, dry_run: bool, as_json: bool) -> int:
    """Read all stored payloads again with the present [clients.fields], and update the rows that differ.

    Run it after a change of [clients.fields], and after an update of syncd. It does not contact PitchYou, raises no
    revision and confirms nothing. The next cycle fetches files that are named now, removes those that are not, and
    updates the reports. Profiles in quarantine are left to `syncd quarantine retry`.

    Needs the client's lease, so stop the daemon first. If it is interrupted, run it again: it continues.

    Exit code: 0 every application was read; 1 it failed or was stopped; 3 some applications could not be read and stay
    as they were; 4 another syncd process is working for the client.
    """
    settings = context.settings(need_media=False)
    chosen = chosen_clients(settings, client_id)
    stop = stop_on_signals()
    line = ProgressLine()
    with database_of(settings) as database:
        require_ready(database)
        work = _rehearse if dry_run else _replay
        results = work(settings, chosen, database, stop, line)
    if as_json:
        clients = [_as_json(result) for result in results]
        click.echo(json.dumps({"dry_run": dry_run, "clients": clients}))
    else:
        for result in results:
            _print(result, dry_run)
    codes = {_CODES[result.outcome] for result in results}
    return next((code for code in (FAILED, REFUSED, PARTLY) if code in codes), 0)


def _replay(
    settings: Settings,
    chosen: tuple[ClientSettings, ...],
    database: Database,
    stop: threading.Event,
    line: ProgressLine,
) -> list[Result]:
    with LeaseKeeper(database, ttl=settings.sync.lease_ttl) as keeper:

        def one(client: ClientSettings) -> Replayed:
            deadline = Deadline(stop=stop)
            store = ClientStore(database, keeper.hold(client.client_id), deadline, lambda: None)
            return replay_client(
                store, _rules(client), deadline, settings.sync.batch_size, _shown_by(line, client)
            )

        return [_result_of(client, one, line) for client in chosen]


def _rehearse(
    settings: Settings,
    chosen: tuple[ClientSettings, ...],
    database: Database,
    stop: threading.Event,
    line: ProgressLine,
) -> list[Result]:
    def one(client: ClientSettings) -> Replayed:
        deadline = Deadline(stop=stop)
        reader = ClientReader(database, client.client_id, deadline)
        return rehearse(reader, _rules(client), deadline, settings.sync.batch_size, _shown_by(line, client))

    return [_result_of(client, one, line) for client in chosen]


def _result_of(
    client: ClientSettings, work: Callable[[ClientSettings], Replayed], line: ProgressLine
) -> Result:
    """Return how the work for one client ended. The next client is worked for all the same."""
    try:
        return Result(client.client_id, work(client))
    except SyncdError as error:
        return Result(client.client_id, None, error)
    finally:
        line.clear()


def _rules(client: ClientSettings) -> Rules:
    return Rules(client.fields, client.timezone, client.phone_region)


def _shown_by(line: ProgressLine, client: ClientSettings) -> Callable[[Replayed, int], None]:
    return lambda done, total: line.show(
        f"{client.client_id}: {done.applications:,} of {total:,} applications read, {done.changed:,} changed"
    )


def _print(result: Result, dry_run: bool) -> None:
    if result.done is None:
        click.echo(f"{result.client_id}: {result.outcome} - {result.error}", err=True)
        return
    done = result.done
    columns = ", ".join(f"{name} {count:,}" for name, count in done.columns.most_common())
    parts = [f"{done.applications:,} application{'s' * (done.applications != 1)} read"]
    parts.append(
        f"{done.changed:,} {'would change' if dry_run else 'changed'}" + f" ({columns})" * bool(columns)
    )
    if done.left_alone:
        parts.append(f"{done.left_alone:,} left as they were")
    resumed = " (continued after an interruption)" * done.resumed
    click.echo(f"{result.client_id}: {result.outcome} - " + "; ".join(parts) + resumed)
    for profile_id, reason in done.named:
        click.echo(f"  left as it was: {quoted(profile_id, 80)}: {reason}")
    if more := done.left_alone - len(done.named):
        click.echo(f"  and {more:,} more")


def _as_json(result: Result) -> dict[str, object]:
    done = result.done or Replayed()
    return {
        "client_id": result.client_id,
        "outcome": result.outcome,
        "applications": done.applications,
        "changed": done.changed,
        "columns": dict(done.columns),
        "left_alone": done.left_alone,
        "left_alone_named": [{"profile_id": each, "reason": reason} for each, reason in done.named],
        "resumed": done.resumed,
        "error": str(result.error) if result.error else None,
    }
