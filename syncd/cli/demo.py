"""`syncd demo`: what `make demo` runs."""

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
    help="How many applications.",
)
@click.option("--seed", default=1, show_default=True, help="Same seed, same applications.")
@click.option(
    "--keep", is_flag=True, help="Leave the database running and say how to reach and how to end it."
)
@json_option
def demo(profiles: int, seed: int, keep: bool, as_json: bool) -> int:
    """Show a whole sync on this machine: Postgres, a simulated PitchYou, two cycles, a report.

    Needs no configuration and touches nothing but a temporary folder. Exit code 1 when something is not as it
    should be.
    """
    stop = stop_on_signals()
    from syncd.demo import as_text, run_demo  # here, so that --help answers without the packages of the demo

    report = run_demo(
        profiles=profiles, seed=seed, keep=keep, stop=stop, tell=lambda line: click.echo(line, err=True)
    )
    click.echo(json.dumps(asdict(report), default=str) if as_json else f"\n{as_text(report)}")
    return 0 if report.well else FAILED
