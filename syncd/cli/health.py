"""`syncd health`: asks the daemon on this machine. Imports little, because a container's health check runs it often."""

import os
import tomllib

import click

from syncd.bind import host_and_port, parse_bind
from syncd.cli.context import Globals, pass_globals
from syncd.cli.exits import FAILED
from syncd.config_file import find_file
from syncd.errors import ConfigurationError
from syncd.web.asking import ask

LIMIT = 5.0  # seconds
DEFAULT = "127.0.0.1:8080"  # as in WebSettings, which is dear to import; a test compares them


@click.command()
@pass_globals
def health(context: Globals) -> int:
    """Ask the daemon on this machine whether it is alive, for a container's health check.

    Reads only web.bind from the configuration, and prints what the daemon answers at /healthz.

    Exit code: 0 the daemon is alive; 1 it is not, or nothing answers within 5 seconds; 2 web.bind cannot be read.
    """
    bind = _bind(context)
    if not bind or host_and_port(bind)[1] == 0:
        click.echo("web.bind names no port, so the daemon cannot be asked. Set it to HOST:PORT.")
        return FAILED
    try:
        answer = ask(bind, "/healthz", LIMIT)
    except OSError as error:
        click.echo(f"No daemon answers at {bind} ({error.strerror or 'it takes too long'}).")
        return FAILED
    if answer is None:
        click.echo(f"What answers at {bind} does not speak HTTP.")
        return FAILED
    click.echo(
        answer.text.strip() if answer.status in (200, 503) else f"{bind} answers HTTP {answer.status}."
    )
    return 0 if answer.status == 200 else FAILED


def _bind(context: Globals) -> str:
    """Read the one key, from the environment or the file, as `load_settings` does for all of them."""
    try:
        if (value := os.environ.get("SYNCD_WEB__BIND")) is not None:
            return parse_bind(value)
        file, _ = find_file(context.config, os.environ)
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig")) if file else {}
        web = document.get("web", {})
        return parse_bind(web.get("bind", DEFAULT) if isinstance(web, dict) else web)
    except (OSError, ValueError, RecursionError) as error:
        # What a TOML parser says may quote the file, and so a secret.
        why = error.strerror if isinstance(error, OSError) else "run `syncd check`, which names the mistake"
        raise ConfigurationError([f"web.bind cannot be read: {why}"]) from None
