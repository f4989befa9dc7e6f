"""`syncd sync`: runs one sync cycle now."""

import json
import threading
from dataclasses import asdict, dataclass

import click

from syncd.cli.clients import chosen_clients
from syncd.cli.context import Globals, client_option, json_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.cli.exits import FAILED, PARTLY, REFUSED
from syncd.cli.progress import ProgressLine
from syncd.cli.wiring import clients_of, outsides_of
from syncd.deadline import Deadline
from syncd.errors import Refused, SyncdError
from syncd.logs import get_logger
from syncd.model import Outcome
from syncd.settings import ClientSettings, Settings
from syncd.signals import stop_on_signals
from syncd.store.cycles import Tally
from syncd.store.status import Shortfall
from syncd.sync.client_cycle import Client, run_once
from syncd.sync.dry_run import rehearse

log = get_logger(__name__)

_CODES = {Outcome.OK: 0, Outcome.PARTIAL: PARTLY, Outcome.FAILED: FAILED, Outcome.ABORTED: FAILED}


@dataclass(frozen=True, slots=True)
class Result:
    """How one client's cycle ended. `code` is the exit code for this result."""

    client_id: str
    outcome: str
    code: int
    tally: Tally
    error: SyncdError | None = None
    shortfall: Shortfall | None = None
    more_listed: str | None = None


@click.command()
@client_option
@click.option(
    "--dry-run", is_flag=True, help="Fetch the list and report what would change; store and confirm nothing."
)
@click.option(
    "--no-confirm", is_flag=True, help="Store everything, but leave the confirming to a later cycle."
)
@click.option(
    "--confirm-again",
    is_flag=True,
    help="Also confirm what is confirmed already and still listed, in case PitchYou has lost the confirm.",
)
@json_option
@pass_globals
def sync(
    context: Globals,
    client_id: str | None,
    dry_run: bool,
    no_confirm: bool,
    confirm_again: bool,
    as_json: bool,
) -> int:
    """Run one sync cycle now, for every client or for one.

    A cycle fetches the list of applications from PitchYou, stores new and changed ones in Postgres and their files on
    disk, and confirms to PitchYou what is stored completely.

    Exit code: 0 everything is stored and confirmed; 1 a cycle failed; 3 partly done: a profile is in quarantine, a file
    is late, gone or too large, an application is not confirmed, or PitchYou's response was only a part of its list; 4
    refused: another syncd process is working for the client, or the database has another schema revision or unsafe
    settings.
    """
    if confirm_again and (dry_run or no_confirm):
        raise click.UsageError("--confirm-again confirms; do not combine it with --dry-run or --no-confirm.")
    settings = context.settings()
    chosen = chosen_clients(settings, client_id)
    stop = stop_on_signals()
    if dry_run:
        results = _rehearse(settings, chosen, stop)
    else:
        results = _sync(settings, chosen, stop, confirm=not no_confirm, confirm_again=confirm_again)
    if as_json:
        click.echo(json.dumps({"clients": [_as_json(result) for result in results]}))
    else:
        for result in results:
            click.echo(_as_text(result), err=result.error is not None)
    codes = {result.code for result in results}
    return next((code for code in (FAILED, REFUSED, PARTLY) if code in codes), 0)


def _sync(
    settings: Settings,
    chosen: tuple[ClientSettings, ...],
    stop: threading.Event,
    *,
    confirm: bool,
    confirm_again: bool,
) -> list[Result]:
    progress = ProgressLine()
    with (
        clients_of(settings, chosen, confirm=confirm, confirm_again=confirm_again) as clients,
        outsides_of(settings) as outsides,
    ):
        require_ready(outsides.database)

        def one(client: Client) -> Result:
            try:
                ended = run_once(client, outsides, trigger="command", stop=stop, progress=progress)
            except Exception as error:
                return _not_begun(client, error)
            finally:
                progress.clear()
            code = REFUSED if isinstance(ended.error, Refused) else _CODES[ended.outcome]
            return Result(
                client.plan.client_id,
                ended.outcome.value,
                code,
                ended.tally,
                ended.error,
                ended.shortfall,
                ended.more_listed,
            )

        return [one(client) for client in clients]


def _rehearse(settings: Settings, chosen: tuple[ClientSettings, ...], stop: threading.Event) -> list[Result]:
    with clients_of(settings, chosen) as clients, database_of(settings) as database:
        require_ready(database)

        def one(client: Client) -> Result:
            try:
                tally = rehearse(client, database, Deadline(client.plan.cycle_deadline, stop=stop))
            except Exception as error:
                return _not_begun(client, error)
            code = PARTLY if tally.quarantined else 0
            return Result(client.plan.client_id, "dry-run", code, tally)

        return [one(client) for client in clients]


def _not_begun(client: Client, error: Exception) -> Result:
    """Return the result of a cycle that did not begin, or that a bug has ended. The next client is synced all the same."""
    client_id = client.plan.client_id
    if not isinstance(error, SyncdError):
        log.error("cycle_crashed", client_id=client_id, exc_info=error)
        error = SyncdError(
            "A bug in syncd ended this cycle. Report it with the error_frames that were logged."
        )
    refused = isinstance(error, Refused)
    outcome = "refused" if refused else Outcome.FAILED.value
    return Result(client_id, outcome, REFUSED if refused else FAILED, Tally(), error)


def _as_json(result: Result) -> dict[str, object]:
    return {
        "client_id": result.client_id,
        "outcome": result.outcome,
        **asdict(result.tally),
        "open": None if result.shortfall is None else asdict(result.shortfall),
        **({"more_listed": result.more_listed} if result.more_listed else {}),
        "error": str(result.error) if result.error else None,
    }


def _as_text(result: Result) -> str:
    tally = result.tally
    parts = [
        f"{tally.seen:,} listed: {tally.new:,} new, {tally.changed:,} changed, {tally.unchanged:,} unchanged"
    ]
    if result.outcome != "dry-run":
        parts.append(f"{tally.media_stored:,} files stored ({tally.media_bytes / 1e6:,.1f} MB)")
        parts.append(f"{tally.confirmed:,} confirmed")
    left = result.shortfall
    # A dry run and a failed cycle have no shortfall.
    if left is None:
        left = Shortfall(tally.quarantined, 0, tally.media_rejected, 0)
    for count, what in (
        (tally.media_gone, "files gone at PitchYou"),
        (tally.confirm_refused, "confirms refused"),
        (left.quarantined, "in quarantine (see `syncd quarantine list`)"),
        (left.pending, "files not fetched yet"),
        (left.rejected, "files larger than media.max_bytes"),
        (left.unconfirmed, "not confirmed yet"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    if result.more_listed:
        parts.append(
            f"PitchYou says that its list has more entries ({result.more_listed}), which syncd did not get"
        )
    ending = f". {result.error}" if result.error else ""
    return f"{result.client_id}: {result.outcome} - " + "; ".join(parts) + ending
