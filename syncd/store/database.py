"""Runs short transactions, and retries a whole transaction when it fails for a passing reason."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from syncd.backoff import jittered_delay
from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, DataRefused, DeadlineExceeded
from syncd.store import blockers
from syncd.store.engine import PasswordAgain, connected, make_engine
from syncd.store.failures import (
    LOCK_TIMEOUT,
    cannot_write,
    explained,
    is_away,
    is_conflict,
    is_lasting,
    is_standby,
    refuses_data,
    sqlstate,
    why_away,
)
from syncd.store.outage import Outage

T = TypeVar("T")

CONFLICT_ATTEMPTS = 5
PATIENCE = 30.0  # seconds that a transaction waits for a server that is away
FIRST_DELAY, LONGEST_DELAY = 0.05, 2.0  # seconds between two attempts, before jitter


class Database:
    """The connections of one process. Safe to share between threads; close it, or use it in a `with`.

    Args:
        url: an SQLAlchemy URL (`postgresql+psycopg://…`).
        connections: the maximum number of open connections.
        snapshot: let transactions only read, and all statements of a transaction see the same state.
        password_again: returns the password that is configured now. Called when the server refuses a login.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 5,
        snapshot: bool = False,
        password_again: PasswordAgain | None = None,
    ) -> None:
        self._engine = make_engine(
            url, connections=connections, snapshot=snapshot, password_again=password_again
        )
        self._outage = Outage()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def reconnect(self, url: str, *, connections: int, password_again: PasswordAgain | None) -> None:
        """Uses another URL or another number of connections from now on. Transactions that run now are not affected."""
        former, self._engine = (
            self._engine,
            make_engine(url, connections=connections, password_again=password_again),
        )
        former.dispose()

    def transact(
        self, work: Callable[[Connection], T], deadline: Deadline, *, patience: float = PATIENCE
    ) -> T:
        """Runs `work` in one transaction and commits it. After a passing failure it runs the whole of `work` again.

        `work` must do nothing but database work, since it may run several times, even after a commit whose reply was
        lost.

        Args:
            patience: seconds to wait for a server that is away.

        Raises:
            DatabaseUnavailable: the server is away, full or read-only, refuses syncd, or other transactions kept blocking
                this one.
            DataRefused: the server refused the data; nothing was written.
        """
        until = deadline.within(patience)
        conflicts = attempt = 0
        while True:
            outages, begun = self._outage.count, False
            try:
                with self._engine.begin() as connection, connected(connection, deadline.beat):
                    begun = True
                    result = work(connection)
                self._outage.note_success(outages)
                return result
            except DBAPIError as caught:
                error = caught
            except PoolTimeout:
                raise DatabaseUnavailable(
                    "No free database connection for 30 s: every connection is waiting for Postgres."
                ) from None
            # One broken connection is not an outage yet. The pool has dropped all connections of that age, so an
            # immediate attempt with a new one shows how the server is now. A caller without patience gets it only if
            # the pool had kept a connection that was broken from the start.
            if error.connection_invalidated and attempt == 0 and (patience or not begun):
                attempt = 1
                continue
            conflicts += is_conflict(error)
            self._give_up_or_note(error, conflicts)
            wait = jittered_delay(attempt, first=FIRST_DELAY, longest=LONGEST_DELAY)
            attempt += 1
            if wait >= (deadline if is_conflict(error) else until).remaining():
                if patience and is_lasting(error):
                    self._outage.note_failure(why_away(error), lasting=True)
                raise self._explained(error) from None
            # A machine that was suspended sleeps for longer than that.
            with suppress(DeadlineExceeded):
                deadline.sleep(wait)

    def note_cycle(self, client_id: str, error: Exception | None) -> None:
        """Takes note of how a client's cycle ended, see `Outage`."""
        self._outage.note_cycle(client_id, error)

    def _give_up_or_note(self, error: DBAPIError, conflicts: int) -> None:
        """Raises what is not worth a retry, and notes an outage."""
        if refuses_data(error):
            # A trigger may raise one of the codes that ask for a retry.
            if is_conflict(error) and conflicts < CONFLICT_ATTEMPTS:
                return
            raise DataRefused(sqlstate(error)) from None
        read_only = cannot_write(sqlstate(error))
        # The sessions of a standby stay on it, even if the address leads to the new primary.
        if read_only or is_standby(error):
            self._engine.dispose()
        if read_only or (is_away(error) and not is_conflict(error)):
            self._outage.note_failure(why_away(error), read_only=read_only)
        passes = is_away(error) or is_conflict(error)
        if not passes or conflicts >= CONFLICT_ATTEMPTS:
            raise self._explained(error) from None

    def _explained(self, error: DBAPIError) -> Exception:
        """Returns what to raise. If others hold a lock for too long, the message names their sessions."""
        found = explained(error)
        if sqlstate(error) == LOCK_TIMEOUT:
            with suppress(DBAPIError, PoolTimeout), self._engine.begin() as connection:
                if sessions := blockers.describe(connection):
                    return DatabaseUnavailable(f"{found}. {sessions}", sqlstate=LOCK_TIMEOUT)
        return found
