"""One client's rows in Postgres: runs store functions in transactions of their own.

A store function takes a connection and the id of the client, then its own arguments, and never commits. The caller
decides which function is one transaction: `store.write(media.record, results)`.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.store import cycles, leases
from syncd.store.database import Database
from syncd.store.leases import Lease

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 60.0  # seconds for which a cycle waits for a Postgres that is away


class ClientReader:
    """Reads one client's rows. Needs no lease, so it works beside a daemon."""

    def __init__(self, database: Database, client_id: str, deadline: Deadline) -> None:
        self._database, self.client_id, self._deadline = database, client_id, deadline

    def read(
        self, query: Callable[Concatenate[Connection, str, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `query(connection, client_id, *args, **kwargs)` in one transaction."""
        return self._transact(lambda connection: query(connection, self.client_id, *args, **kwargs))

    def _transact(self, work: Callable[[Connection], T]) -> T:
        return self._database.transact(work, self._deadline)


class ClientStore(ClientReader):
    """Reads and writes one client's rows, as the holder of its lease.

    Args:
        on_write: called after each transaction that wrote something.
    """

    def __init__(
        self, database: Database, lease: Lease, deadline: Deadline, on_write: Callable[[], None]
    ) -> None:
        super().__init__(database, lease.client_id, deadline)
        self._lease, self._on_write = lease, on_write
        # Whether a cycle runs, whose heartbeat each write moves.
        self.in_cycle = False

    def write(
        self, statements: Callable[Concatenate[Connection, str, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `statements(connection, client_id, *args, **kwargs)` in one transaction.

        Raises:
            LeaseLost: another process has taken the client over; nothing was written.
        """

        def fenced(connection: Connection) -> T:
            leases.require(connection, self._lease)
            result = statements(connection, self.client_id, *args, **kwargs)
            if self.in_cycle:
                cycles.beat(connection, self.client_id)
            return result

        result = self._transact(fenced)
        self._on_write()
        return result

    def require_lease(self) -> float:
        """Raises `LeaseLost` unless the lease is ours at this moment.

        Call it directly before each request to PitchYou that depends on the client's state, and before each retry.
        After a pause of this process, the new holder may have landed something that this process must not confirm.

        Returns:
            This moment, in seconds of Postgres' clock.
        """
        return self._transact(lambda connection: leases.require_now(connection, self._lease))

    def _transact(self, work: Callable[[Connection], T]) -> T:
        # The deadline of a cycle is checked only between two attempts. So the current transaction always finishes:
        # PitchYou may list a profile only once.
        return self._database.transact(work, self._deadline.restarted(PATIENCE), patience=PATIENCE)
