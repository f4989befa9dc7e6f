"""`syncd check`: tests everything that syncd depends on, without changing it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

import click
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from syncd.bind import host_and_port
from syncd.cli.context import Globals, json_option, pass_globals
from syncd.cli.database import database_of
from syncd.cli.exits import FAILED, REFUSED
from syncd.cli.serving import site_of
from syncd.cli.wiring import pitchyou_of, vault_of
from syncd.deadline import Deadline
from syncd.errors import Refused, SyncdError
from syncd.media.probe import probe
from syncd.pitchyou import PitchYou, server_of
from syncd.settings import ClientSettings, Settings
from syncd.store import clients, migrate, rights, safety, shape
from syncd.store.failures import sqlstate
from syncd.sync.client_store import ClientReader
from syncd.sync.pair import require_pair
from syncd.sync.recover import require_mounted
from syncd.web.asking import SITE, ask


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `problem` says what is wrong and how to fix it; None means the check passed."""

    check: str
    problem: str | None
    code: int = 0


@click.command()
@json_option
@pass_globals
def check(context: Globals, as_json: bool) -> int:
    """Check the configuration, the database, the media root and PitchYou, and say how to fix problems.

    Run it before you start the daemon. Changes nothing that lasts: it removes a test file from the media root and takes
    a test row in Postgres back. Reads PitchYou's list of applications, and confirms none.

    Exit code: 0 all checks passed; 1 a check failed; 2 the configuration is invalid, so nothing else was checked;
    4 syncd refuses this database.
    """
    settings = context.settings()
    warnings = [*settings.unused, *settings.advice]
    findings = list(_findings(settings, warnings))
    if as_json:
        checks = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"checks": checks, "warnings": warnings}))
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.problem is None else 'FAIL'}  {finding.check}")
            if finding.problem:
                click.echo(f"      {finding.problem}")
        for warning in warnings:
            click.echo(f"WARN  {warning}")
    codes = {finding.code for finding in findings}
    return next((code for code in (FAILED, REFUSED) if code in codes), 0)


def _findings(settings: Settings, warnings: list[str]) -> Iterator[Finding]:
    yield Finding(f"configuration: {settings.source or 'environment variables only'}", None)
    yield from _of_database(settings, warnings)
    names = [client.client_id for client in settings.clients]
    _warn_of_others(settings, warnings)
    yield _look(f"media root is writable: {settings.media.root}", lambda: probe(vault_of(settings), names))
    for client in settings.clients:
        yield from _of_pitchyou(settings, client)


def _warn_of_others(settings: Settings, warnings: list[str]) -> None:
    """Warn if something else than the daemon of this installation listens on `web.bind`."""
    bind = settings.web.bind
    if not bind or host_and_port(bind)[1] == 0:
        return
    try:
        answer = ask(bind, "/healthz", 5.0)
    except ConnectionRefusedError:
        # The daemon does not run, and its place is free.
        return
    except OSError:
        answer = None
    if answer is None or answer.headers.get(SITE.lower()) != site_of(settings):
        warnings.append(
            f"web.bind: something else than the daemon of this configuration listens at {bind}, so that the daemon "
            'works without its web server; choose another port, or write bind = ""'
        )


def _of_database(settings: Settings, warnings: list[str]) -> Iterator[Finding]:
    with database_of(settings) as database:

        def ask(question: Callable[[Connection], object]) -> Callable[[], object]:
            return lambda: database.transact(question, Deadline(20), patience=0)

        reached = _look("database answers", ask(lambda connection: None))
        yield reached
        if reached.problem:
            return
        yield _look("database is durable: it keeps what it has committed", ask(safety.require_safe))
        schema = _look(f"schema is at revision {migrate.head()}", ask(migrate.require_head))
        yield schema
        allowed = _look("database lets this role do what a cycle does", ask(rights.require_rights))
        yield allowed
        if schema.problem:
            return
        whole = _look("tables are as the migrations made them", ask(shape.require_tables))
        yield whole
        if allowed.problem or whole.problem:
            return
        yield _look("database has room", ask(rights.require_room))
        warnings += database.transact(rights.advice, Deadline(20), patience=0)
        vault = vault_of(settings)
        for client in settings.clients:
            known = partial(
                clients.require_server, client_id=client.client_id, server=server_of(client.base_url)
            )
            yield _look(f"applications of client '{client.client_id}' came from base_url", ask(known))
            # A pair that does not belong together is looked through, name by name.
            deadline = Deadline(600)
            store = ClientReader(database, client.client_id, deadline)
            mounted = _look(
                f"media root has the files of client '{client.client_id}'",
                partial(require_mounted, store, vault),
            )
            yield mounted
            if mounted.problem is None:
                yield _look(
                    f"database and media root of client '{client.client_id}' belong together",
                    partial(require_pair, store, vault, deadline),
                )


def _of_pitchyou(settings: Settings, client: ClientSettings) -> Iterator[Finding]:
    with pitchyou_of(settings, client) as api:
        token = _look(
            f"PitchYou issues a token to client '{client.client_id}'",
            lambda: api.authenticate(Deadline(30)),
        )
        yield token
        if token.problem is None:
            deadline = Deadline(settings.sync.cycle_deadline)
            yield _look(
                f"PitchYou lists the applications of client '{client.client_id}'",
                lambda: _read_list(api, deadline),
            )


def _read_list(api: PitchYou, deadline: Deadline) -> None:
    """Read all of the list, since a part of it does not show whether it is too long or not JSON."""
    with api.profiles(deadline):
        pass


def _look(check: str, test: Callable[[], object]) -> Finding:
    try:
        test()
    except SyncdError as error:
        return Finding(check, str(error), REFUSED if isinstance(error, Refused) else FAILED)
    except DBAPIError as error:
        return Finding(check, f"Postgres refuses a statement (SQLSTATE {sqlstate(error) or 'none'})", FAILED)
    return Finding(check, None)
