"""`syncd demo`: the command behind `make demo`."""

import json
import threading
from collections.abc import Callable
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
@click.option(
    "--applications",
    type=click.IntRange(1, 1_000_000),
    help="Fill the database with this number of invented applications of two years instead, to build dashboards on. "
    "It runs until Ctrl-C, or with --keep until you stop it.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed creates the same applications.")
@click.option(
    "--keep",
    is_flag=True,
    help="Keep the database running and the files on disk, and print how to connect and how to remove them.",
)
@json_option
def demo(profiles: int, applications: int | None, seed: int, keep: bool, as_json: bool) -> int:
    """Run a complete sync on this machine, with its own Postgres and a simulated PitchYou, and report on it.

    Needs no configuration, and writes only to a temporary folder.

    Exit code: 0 everything arrived and the audit found nothing wrong; 1 something failed.
    """
    stop = stop_on_signals()
    # Imported here so that --help works without the packages of the demo.
    from syncd.demo import as_text, run_demo

    def tell(line: str) -> None:
        click.echo(line, err=True)

    if applications is not None:
        _sample(applications, seed, keep, as_json, stop, tell)
        return 0
    report = run_demo(profiles=profiles, seed=seed, keep=keep, stop=stop, tell=tell)
    click.echo(json.dumps(asdict(report), default=str) if as_json else f"\n{as_text(report)}")
    return 0 if report.well else FAILED


def _sample(
    applications: int,
    seed: int,
    keep: bool,
    as_json: bool,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> None:
    from syncd.demo.sample_store import run_sample
    from syncd.demo.sample_text import SampleStore, sample_text

    def ready(store: SampleStore) -> None:
        click.echo(json.dumps(asdict(store)) if as_json else f"\n{sample_text(store, keep=keep)}")

    run_sample(applications=applications, seed=seed, keep=keep, stop=stop, tell=tell, ready=ready)
