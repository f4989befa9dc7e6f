"""Asks whether the daemon can do its work: the database, its schema, and the media root."""

import threading
from collections.abc import Callable

from syncd.deadline import Deadline
from syncd.errors import SyncdError
from syncd.service_manager import ServiceManager
from syncd.store import migrate
from syncd.sync.client_cycle import Outsides
from syncd.sync.client_store import ClientReader
from syncd.sync.recover import require_mounted

# When to look again, in seconds.
AGAIN = 2.0


def require_outsides(
    client_ids: list[str],
    outsides: Outsides,
    deadline: Deadline,
    asks: Callable[[str], None] = lambda what: None,
) -> None:
    """Raise SyncdError, with the reason, unless the database, its schema and the media root are fine. Changes nothing.

    A server that stands still or a disk that hangs holds this up, so call it in a thread of its own.

    Args:
        asks: called with the name of what is asked next.
    """
    asks("Postgres")
    outsides.database.transact(migrate.require_head, deadline, patience=0)
    asks("The media root")
    outsides.vault.require_ours()
    for client_id in client_ids:
        require_mounted(ClientReader(outsides.database, client_id, deadline), outsides.vault)


def tell_when_ready(
    client_ids: Callable[[], list[str]], outsides: Outsides, manager: ServiceManager, stop: threading.Event
) -> None:
    """Wait until all is fine, and tell the service manager so. The cycles log why they fail."""
    while not stop.is_set():
        try:
            require_outsides(client_ids(), outsides, Deadline(30, stop=stop))
        except SyncdError as error:
            manager.status(f"Not ready: {' '.join(str(error).split())}")
            stop.wait(AGAIN)
        else:
            manager.ready()
            return
