"""Logs an outage of Postgres once, however many clients and threads meet it, and logs when it is over."""

import threading

from syncd.errors import DatabaseUnavailable
from syncd.logs import get_logger
from syncd.store.failures import cannot_write

log = get_logger(__name__)


class Outage:
    """Whether Postgres is unavailable, as the transactions of this process have found. Safe to share between threads.

    A server that is away is back with the next transaction that succeeds. A server that cannot write is not: small
    transactions fit on a disk that is full for others. That outage ends when no client's cycle fails of it any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unavailable = False
        self._cannot_write = False
        self._count = 0
        # The reasons that were logged in the present outage.
        self._told: set[str] = set()
        # Clients whose newest cycle ended because Postgres cannot write.
        self._failing: set[str] = set()

    @property
    def count(self) -> int:
        """The number of outages so far, including the present one."""
        return self._count

    def note_failure(self, reason: str, *, read_only: bool = False, lasting: bool = False) -> None:
        """Logs the beginning of an outage, and later each reason that does not pass by itself, once.

        Args:
            reason: why the server is unavailable now.
            read_only: the server runs, but cannot write.
            lasting: the reason usually stays until somebody acts.
        """
        with self._lock:
            if not self._unavailable:
                self._count += 1
                self._told.clear()
            if not self._unavailable or ((read_only or lasting) and reason not in self._told):
                log.error("database_unavailable", reason=reason)
                self._told.add(reason)
            self._unavailable = True
            self._cannot_write = self._cannot_write or read_only

    def note_success(self, count: int) -> None:
        """Logs the end of the outage, unless the server still counts as unable to write.

        Args:
            count: what `count` was when the transaction that has succeeded began. A transaction that began before the
                outage was noticed does not end it.
        """
        with self._lock:
            if self._unavailable and not self._cannot_write and count == self._count:
                log.info("database_available")
                self._unavailable = False

    def note_cycle(self, client_id: str, error: Exception | None) -> None:
        """Takes note of how a client's cycle ended. `error` is None also if another process took over the client."""
        with self._lock:
            if isinstance(error, DatabaseUnavailable):
                if cannot_write(error.sqlstate):
                    self._failing.add(client_id)
                return
            self._failing.discard(client_id)
            self._cannot_write = self._cannot_write and bool(self._failing)
