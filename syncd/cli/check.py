"""`syncd check`: tests everything that syncd depends on, without changing it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

import click

from syncd.cli.context import Globals, json_option, pass_globals
from syncd.cli.database import database_of
from syncd.cli.exits import FAILED, REFUSED
from syncd.cli.wiring import pitchyou_of, vault_of
from syncd.deadline import Deadline
from syncd.errors import Refused, SyncdError
from syncd.pitchyou import server_of
from syncd.settings import Settings
from syncd.store import clients, migrate, safety


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

    Run it before you start the daemon. Changes nothing, except for a small test file in the media root, which it
    removes again.

    Exit code: 0 all checks passed; 1 a check failed; 2 the configuration is invalid, so nothing else was checked;
    4 syncd refuses this database.
    """
    settings = context.settings()
    findings = list(_findings(settings))
    if as_json:
        checks = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"checks": checks, "warnings": settings.unused}))
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.problem is None else 'FAIL'}  {finding.check}")
            if finding.problem:
                click.echo(f"      {finding.problem}")
        for warning in settings.unused:
            click.echo(f"WARN  {warning}")
    codes = {finding.code for finding in findings}
    return next((code for code in (FAILED, REFUSED) if code in codes), 0)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield Finding(f"configuration: {settings.source or 'environment variables only'}", None)
    with database_of(settings) as database:

        def ask(question: Callable[..., object]) -> Callable[[], object]:
            return lambda: database.transact(question, Deadline(20), patience=0)

        reached = _look("database answers", ask(lambda connection: None))
        yield reached
        if reached.problem is None:
            yield _look("database is durable: it keeps what it has committed", ask(safety.require_safe))
            schema = _look(f"schema is at revision {migrate.head()}", ask(migrate.require_head))
            yield schema
            for client in settings.clients if schema.problem is None else ():
                known = partial(
                    clients.require_server, client_id=client.client_id, server=server_of(client.base_url)
                )
                server = _look(f"applications of client '{client.client_id}' came from base_url", ask(known))
                if server.problem:
                    yield server
    yield _look(f"media root is writable: {settings.media.root}", vault_of(settings).probe)
    for client in settings.clients:
        with pitchyou_of(settings, client) as api:
            yield _look(
                f"PitchYou issues a token to client '{client.client_id}'",
                lambda: api.authenticate(Deadline(30)),
            )


def _look(check: str, test: Callable[[], object]) -> Finding:
    try:
        test()
    except SyncdError as error:
        return Finding(check, str(error), REFUSED if isinstance(error, Refused) else FAILED)
    return Finding(check, None)
