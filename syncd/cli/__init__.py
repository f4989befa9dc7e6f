"""The command line. Imports a command only when it is called, so that `syncd --help` loads no database driver."""

import importlib
import sys

import click

from syncd import __version__
from syncd.cli.context import Globals
from syncd.cli.exits import FAILED, INTERRUPTED, exit_code_of
from syncd.cli.streams import open_streams
from syncd.errors import BadInput, ConfigurationError, SyncdError

# name → (module, first line of its help). A test compares each line with the command's own help.
COMMANDS = {
    "run": ("run", "Run the daemon: sync every client on its schedule."),
    "sync": ("sync", "Run one sync cycle now, for every client or for one."),
    "check": (
        "check",
        "Check the configuration, the database, the media root and PitchYou, and say how to fix problems.",
    ),
    "status": (
        "status",
        "Show the sync status of each client: its last successful cycle and its open work.",
    ),
    "health": (
        "health",
        "Ask the daemon on this machine whether it is alive, for a container's health check.",
    ),
    "jobs": ("jobs", "Import job vacancies from a CSV file, and list them with their applications."),
    "costs": ("costs", "Import what sources have cost from a CSV file, and list it."),
    "outcomes": (
        "outcomes",
        "Import what became of applications from a CSV file, such as interviews, hires and rejections.",
    ),
    "db": ("db", "Migrate the database, show its schema revision, and print the SQL for its roles."),
    "templates": ("templates", "Update the list of interview templates from PitchYou and print it."),
    "apply-link": ("apply_link", "Create the apply link for a job and store it in ats.apply_link."),
    "chat": ("chat", "Open a chat with an applicant and print its URL."),
    "quarantine": ("quarantine", "List, show and retry profiles that could not be parsed."),
    "drift": ("drift", "List the fields of the payload that syncd does not know, with their types."),
    "replay": (
        "replay",
        "Read all stored payloads again with the present [clients.fields], and update the rows that differ.",
    ),
    "questions": ("questions", "List the interviews' questions, and decide which of them reports may count."),
    "placeholders": ("placeholders", "List the files that do not count as a CV, and decide otherwise."),
    "report": ("report", "Make a page of the reports: text, JSON, CSV, HTML or PDF."),
    "accept-server": (
        "accept_server",
        "Accept that a client's base_url now leads to another server with the same applications.",
    ),
    "verify": ("verify", "Compare every stored file with its database row, and find files without a row."),
    "sandbox": ("sandbox", "Run a simulated PitchYou on this machine."),
    "demo": (
        "demo",
        "Run a complete sync on this machine, with its own Postgres and a simulated PitchYou, and report on it.",
    ),
}


class LazyGroup(click.Group):
    """A group that knows the names and first help lines of its commands, and imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"syncd.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the nearest names."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    help="The configuration file. Default: $SYNCD_CONFIG, ./syncd.toml, /etc/syncd/syncd.toml.",
)
@click.version_option(__version__, prog_name="syncd")
@click.pass_context
def cli(ctx: click.Context, config: str | None) -> None:
    """Copy job applications from PitchYou into Postgres and their files to disk.

    Each application is confirmed to PitchYou only once its rows and files are stored safely.
    """
    # Imported here because `syncd --help` does not need it.
    from pathlib import Path

    ctx.obj = Globals(None if config is None else Path(config))


def main() -> None:
    """Run the command line and end the process with the exit code that docs/operating.md lists."""
    open_streams()
    try:
        code = cli.main(standalone_mode=False)
    except SyncdError as error:
        _show(error)
        code = exit_code_of(error)
    except click.ClickException as error:
        _show_usage(error)
        code = error.exit_code
    except click.Abort:
        click.echo("syncd: interrupted", err=True)
        code = INTERRUPTED
    code = code if isinstance(code, int) else 0
    sys.exit(INTERRUPTED if code == FAILED and _interrupted() else code)


def _interrupted() -> bool:
    # A command that has not imported it has not been interrupted in its way.
    signals = sys.modules.get("syncd.signals")
    return signals is not None and signals.interrupted()


def _mark() -> str:
    # As above.
    from syncd.logs.journal import prefix

    return prefix("error", sys.stderr)


def _show_usage(error: click.ClickException) -> None:
    # As above.
    from syncd.cli.suggestions import in_its_place

    shown = in_its_place(error)
    if mark := _mark():
        click.echo(f"{mark}syncd: {shown.format_message()}", err=True)
    else:
        shown.show()


def _show(error: SyncdError) -> None:
    """Print the error to stderr, one line per mistake."""
    mark = _mark()
    if isinstance(error, ConfigurationError):
        click.echo(f"{mark}The configuration has mistakes:", err=True)
        for problem in error.problems:
            click.echo(f"{mark}  - {problem}", err=True)
        return
    for problem in error.problems if isinstance(error, BadInput) else [str(error)]:
        click.echo(f"{mark}syncd: {problem}", err=True)
