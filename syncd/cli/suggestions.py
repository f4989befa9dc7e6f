"""Suggests what the user may have meant: the nearest name, or the right place of an option."""

import difflib
from collections.abc import Iterable

import click

# Options of `syncd` itself.
_BEFORE = ("--config", "--version")
# Options that many commands have.
_AFTER = ("--client", "--json", "--dry-run")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the question whether the user meant the nearest known name, or nothing if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def in_its_place(error: click.ClickException) -> click.ClickException:
    """Return the error, or a better one if an option stands on the wrong side of the command."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error
    option, context = error.option_name, error.ctx
    # How syncd was started does not matter here.
    command = context.command_path.removeprefix(context.find_root().command_path).strip()
    if option in _BEFORE and context.parent is not None:
        value = " FILE" if option == "--config" else ""
        return click.UsageError(
            f"{option} is an option of syncd itself. Put it before the command: syncd {option}{value} {command}",
            context,
        )
    if option in _AFTER and isinstance(context.command, click.Group):
        return click.UsageError(
            f"{option} is an option of a command. Put it after the command: "
            f"{' '.join(['syncd', *command.split(), 'COMMAND', option])}",
            context,
        )
    return error
