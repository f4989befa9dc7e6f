"""`syncd run`: the daemon."""

import os

import click

from syncd.cli.context import Globals, pass_globals
from syncd.cli.database import require_ready
from syncd.cli.triggers import trigger_of
from syncd.cli.wiring import clients_of, outsides_of
from syncd.daemon import Daemon, Scheduled, end_in_time
from syncd.errors import DatabaseUnavailable
from syncd.signals import EXIT_NOW, stop_on_signals


@click.command()
@pass_globals
def run(context: Globals) -> None:
    """Run the daemon: sync every client on its schedule.

    The first cycle of each client starts at once.

    Signals: SIGTERM or SIGINT (Ctrl-C) stops the daemon after the current steps, within 30 seconds; a second one stops it
    immediately. Nothing is lost either way. SIGUSR1 starts every client's next cycle now.
    """
    settings = context.settings(daemon=True)
    started: list[Daemon] = []

    def sync_now() -> None:
        for daemon in started:
            daemon.sync_now()

    stop = stop_on_signals(sync_now)
    end_in_time(stop)
    count = len(settings.clients)
    with (
        clients_of(settings, settings.clients) as clients,
        outsides_of(settings, clients=count) as outsides,
    ):
        while not stop.is_set():
            try:
                require_ready(outsides.database, patience=5.0)
                break
            except DatabaseUnavailable:
                # It has been logged once. A daemon waits for its database.
                stop.wait(2.0)
        triggers = [trigger_of(client.schedule) for client in settings.clients]
        scheduled = [Scheduled(client, trigger) for client, trigger in zip(clients, triggers, strict=True)]
        daemon = Daemon(scheduled, outsides, stop)
        started.append(daemon)
        if not daemon.run():
            # A thread is stuck in a system call. The next start resumes its work.
            os._exit(EXIT_NOW)
