"""The command line. Commands are imported when they are called, so that `syncd --help` needs no database driver."""

import importlib
import sys

import click

from syncd import __version__
from syncd.cli.context import Globals
from syncd.cli.exits import FAILED, exit_code_of
from syncd.errors import BadInput, ConfigurationError, SyncdError

# name → (module, object, first line of its help); a test compares the lines with the commands' own.
COMMANDS = {
    "run": ("run", "Run the daemon: sync every client on its schedule."),
    "sync": ("sync", "Run one cycle for each (or one) client now."),
    "check": (
        "check",
        "Check the configuration, the database, the media root and PitchYou, and say what to mend.",
    ),
    "status": ("status", "Show how each client stands."),
    "jobs": (
        "jobs",
        "Import the ATS's vacancies from a CSV file, and list them with their applications.",
    ),
    "db": ("db", "Migrate the database, show its revision, print the SQL of the roles."),
    "templates": ("templates", "Bring the interview templates up to date and list them."),
    "apply-link": ("apply_link", "Make the apply link of a job, and keep it in ats.apply_link."),
    "chat": ("chat", "Open a chat with the applicant of PROFILE_ID and print its address."),
    "quarantine": ("quarantine", "List, show and retry what could not be read."),
    "verify": ("verify", "Compare every stored file with its row, and find files without one."),
    "sandbox": ("sandbox", "Run a simulated PitchYou on this machine."),
    "demo": (
        "demo",
        "Show a whole sync on this machine: Postgres, a simulated PitchYou, two cycles, a report.",
    ),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and first help lines, and imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"syncd.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

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
    """Bring applications from PitchYou into Postgres and onto disk, and confirm them once they are safe."""
    from pathlib import Path  # here, since `syncd --help` does without

    ctx.obj = Globals(None if config is None else Path(config))


def main() -> None:
    """Run the command line and end the process with the exit code that docs/operating.md lists."""
    try:
        code = cli.main(standalone_mode=False)
    except SyncdError as error:
        _show(error)
        sys.exit(exit_code_of(error))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def _show(error: SyncdError) -> None:
    """Print what went wrong to stderr, each mistake in a line of its own."""
    if isinstance(error, ConfigurationError):
        click.echo("The configuration has mistakes:", err=True)
        for problem in error.problems:
            click.echo(f"  - {problem}", err=True)
        return
    for problem in error.problems if isinstance(error, BadInput) else [str(error)]:
        click.echo(f"syncd: {problem}", err=True)
