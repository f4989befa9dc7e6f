"""Tells the service manager when the daemon works. Postgres is fine already when the daemon begins."""

import threading
from collections.abc import Callable

from syncd.deadline import Deadline
from syncd.errors import SyncdError
from syncd.service_manager import ServiceManager
from syncd.sync.client_cycle import Outsides
from syncd.sync.client_store import ClientReader
from syncd.sync.recover import require_mounted

# When to look again, in seconds.
AGAIN = 2.0


def tell_when_ready(
    client_ids: Callable[[], list[str]], outsides: Outsides, manager: ServiceManager, stop: threading.Event
) -> None:
    """Wait until the media root is fine, and say so. It changes nothing there: the cycles do, and log why they fail."""
    while not stop.is_set():
        try:
            outsides.vault.require_ours()
            for client_id in client_ids():
                reader = ClientReader(outsides.database, client_id, Deadline(30, stop=stop))
                require_mounted(reader, outsides.vault)
        except SyncdError as error:
            manager.status(f"Not ready: {' '.join(str(error).split())}")
            stop.wait(AGAIN)
        else:
            manager.ready()
            return
