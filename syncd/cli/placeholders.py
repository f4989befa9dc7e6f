"""`syncd placeholders`: which files that applicants send in place of a CV reports do not count as one."""

import json
import re
from dataclasses import asdict
from functools import partial

import click

from syncd.cli.account import account
from syncd.cli.clients import chosen_clients, one_client
from syncd.cli.context import Globals, client_option, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.shown import printable, quoted
from syncd.signals import stop_on_signals
from syncd.store import placeholders as store
from syncd.store.placeholders import Placeholder

_SHA256 = click.argument("sha256")


@click.group()
def placeholders() -> None:
    """List the files that do not count as a CV, and decide otherwise.

    If five applicants have sent the same file as their CV, syncd takes it for a form or a blank page: reports show their
    applications as those without a CV.
    """


@placeholders.command("list")
@client_option
@json_option
@pass_globals
def list_placeholders(context: Globals, client_id: str | None, as_json: bool) -> None:
    """List the files that were decided on, and how many applicants have sent each of them."""
    settings = context.settings(need_media=False)
    chosen = chosen_clients(settings, client_id)
    deadline = Deadline(60, stop=stop_on_signals())
    with database_of(settings) as database:
        require_ready(database)
        found = [
            placeholder
            for client in chosen
            for placeholder in database.transact(partial(store.listed, client_id=client.client_id), deadline)
        ]
    if as_json:
        click.echo(json.dumps({"placeholders": [asdict(placeholder) for placeholder in found]}))
        return
    if not found:
        click.echo(
            "No placeholders. A cycle finds one once five applicants have sent the same file as their CV."
        )
    for placeholder in found:
        click.echo(_line(placeholder))


@placeholders.command("allow")
@_SHA256
@one_client_option
@json_option
@pass_globals
def allow(context: Globals, sha256: str, client_id: str | None, as_json: bool) -> None:
    """Count the file with this SHA256 as a CV, however many applicants send it.

    SHA256 is the checksum of the file, as `placeholders list` and sha256sum print it. The decision and your account are
    recorded. The next cycle brings the reports up to date, except for applications that were erased.
    """
    _decide(context, sha256, client_id, as_json, is_placeholder=False)


@placeholders.command("refuse")
@_SHA256
@one_client_option
@json_option
@pass_globals
def refuse(context: Globals, sha256: str, client_id: str | None, as_json: bool) -> None:
    """Do not count the file with this SHA256 as a CV, even if fewer than five applicants have sent it.

    SHA256 is the checksum of the file, as `placeholders list` and sha256sum print it. At least two applicants must have
    sent the file. The decision and your account are recorded. The next cycle brings the reports up to date, except for
    applications that were erased.
    """
    _decide(context, sha256, client_id, as_json, is_placeholder=True)


def _decide(
    context: Globals, sha256: str, client_id: str | None, as_json: bool, *, is_placeholder: bool
) -> None:
    settings = context.settings(need_media=False)
    client = one_client(settings, client_id)
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise BadInput(
            f"{quoted(sha256, 80)} is not a valid SHA-256: write 64 hexadecimal digits, as sha256sum does."
        )
    decide = partial(
        store.overrule,
        client_id=client.client_id,
        sha256=sha256.lower(),
        is_placeholder=is_placeholder,
        decided_by=account(),
    )
    with database_of(settings) as database:
        require_ready(database)
        decided = database.transact(decide, Deadline(60, stop=stop_on_signals()))
    if decided is None:
        raise BadInput(
            f"fewer than two applicants of client {client.client_id} have sent a CV with the SHA-256 {sha256}. "
            "See `syncd placeholders list`."
        )
    click.echo(json.dumps(asdict(decided)) if as_json else _line(decided))


def _line(placeholder: Placeholder) -> str:
    state = "no CV" if placeholder.is_placeholder else "a CV "
    decided = "" if placeholder.decided_by == "rule" else f" (decided by {printable(placeholder.decided_by)})"
    return (
        f"{placeholder.client_id}  {state}  {placeholder.sha256}: sent by {placeholder.applicants:,} "
        f"applicant{'s' * (placeholder.applicants != 1)} in {placeholder.applications:,} "
        f"application{'s' * (placeholder.applications != 1)}{decided}"
    )
