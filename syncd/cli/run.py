"""`syncd run`: the daemon."""

import os
import threading
from contextlib import ExitStack, closing

import click

from syncd.cli.context import Globals, pass_globals
from syncd.cli.database import require_ready
from syncd.cli.reload import Configured, Reloader
from syncd.cli.serving import heartbeat_targets, serving
from syncd.cli.wiring import outsides_of
from syncd.daemon import Daemon
from syncd.errors import DatabaseUnavailable
from syncd.service_manager import ServiceManager
from syncd.signals import EXIT_NOW, end_in_time, stop_on_signals
from syncd.store.database import Database
from syncd.web.heartbeat import Heartbeat


@click.command()
@pass_globals
def run(context: Globals) -> None:
    """Run the daemon: sync every client on its schedule.

    The first cycle of each client starts at once.

    Signals: SIGTERM or SIGINT (Ctrl-C) stops the daemon after the current steps, within 30 seconds; a second one stops it
    immediately. Nothing is lost either way. SIGUSR1 starts every client's next cycle now. SIGHUP reads the configuration
    again, without a stop.
    """
    settings = context.daemon_settings()
    started: list[Daemon] = []
    reload = threading.Event()

    def sync_now() -> None:
        for daemon in started:
            daemon.sync_now()

    stop = stop_on_signals(sync_now, reload.set)
    end_in_time(stop)
    manager, configured = ServiceManager(), Configured(settings)
    with ExitStack() as stack:
        outsides = stack.enter_context(outsides_of(settings, clients=len(settings.clients)))
        daemon = stack.enter_context(closing(Daemon(configured.clients(), outsides, stop, manager)))
        heartbeat = Heartbeat(heartbeat_targets(settings))
        daemon.observe(heartbeat.observe)
        # Before the database is there, since somebody may ask why the daemon is not ready.
        stack.enter_context(serving(settings, daemon, outsides, stop))
        _wait_for(outsides.database, stop, manager)
        started.append(daemon)
        Reloader(context, configured, daemon, outsides, manager, heartbeat).start(reload)
        if not daemon.run():
            # A thread is stuck in a system call. The next start resumes its work.
            os._exit(EXIT_NOW)


def _wait_for(database: Database, stop: threading.Event, manager: ServiceManager) -> None:
    """Wait until Postgres answers, and check it. A stop ends the wait."""
    while not stop.is_set():
        try:
            require_ready(database, patience=5.0)
            return
        except DatabaseUnavailable:
            # It has been logged once.
            manager.status("Not ready: Postgres is not available.")
            stop.wait(2.0)
