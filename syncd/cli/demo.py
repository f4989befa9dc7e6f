"""`syncd demo`: the command behind `make demo`."""

import json
from dataclasses import asdict

import click

from syncd.cli.context import json_option
from syncd.cli.exits import FAILED
from syncd.signals import stop_on_signals


@click.command()
@click.option(
    "--profiles",
    default=200,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Number of applications.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed creates the same applications.")
@click.option(
    "--keep",
    is_flag=True,
    help="Keep the database running and the files on disk, and print how to connect and how to remove them.",
)
@json_option
def demo(profiles: int, seed: int, keep: bool, as_json: bool) -> int:
    """Run a complete sync on this machine, with its own Postgres and a simulated PitchYou, and report on it.

    Needs no configuration, and writes only to a temporary folder.

    Exit code: 0 everything arrived and the audit found nothing wrong; 1 something failed.
    """
    stop = stop_on_signals()
    # Imported here so that --help works without the packages of the demo.
    from syncd.demo import as_text, run_demo

    report = run_demo(
        profiles=profiles, seed=seed, keep=keep, stop=stop, tell=lambda line: click.echo(line, err=True)
    )
    click.echo(json.dumps(asdict(report), default=str) if as_json else f"\n{as_text(report)}")
    return 0 if report.well else FAILED
