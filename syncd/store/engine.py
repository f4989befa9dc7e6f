"""The database as one object: short transactions that are retried whole, and one log line when it goes away."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, DeadlineExceeded
from syncd.logs import get_logger

T = TypeVar("T")
log = get_logger(__name__)

# Another transaction or a timeout was in the way; the same work may succeed at once (PostgreSQL, appendix A).
_CONFLICTS = frozenset({"40P01", "40001", "55P03", "57014", "25P03"})
CONFLICT_ATTEMPTS = 5
_STANDBY = "55000"  # what `_BEGIN` ends with on a server that is no primary, or not yet
# The server is away, starting, stopping or out of connections.
_AWAY = frozenset({"57P01", "57P02", "57P03", "53300", _STANDBY})
# The server is there but cannot write: full disk, read-only, I/O error.
_CANNOT_WRITE = frozenset({"53100", "53200", "25006", "58030"})
PATIENCE = 30.0  # seconds a transaction waits for a server that is away

# Set in each transaction, not at connect, so that it holds behind PgBouncer in transaction mode as well; together with
# the BEGIN, so that it takes one round trip. The last is refused by a standby, which is behind: what may be confirmed
# must not be asked of it, and what libpq and PgBouncer know of a server may be from before a failover.
_BEGIN = (
    "BEGIN; SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "WHEN 'local' THEN 'on' ELSE current_setting('synchronous_commit') END, true), "
    "set_config('statement_timeout', '120s', true), set_config('lock_timeout', '10s', true), "
    "set_config('idle_in_transaction_session_timeout', '60s', true), "
    "CASE WHEN pg_is_in_recovery() THEN pg_current_wal_lsn() END"
)


class Database:
    """The connections of one process. Safe to share between threads; close it, or use it in a `with`.

    Args:
        url: an SQLAlchemy URL (`postgresql+psycopg://…`).
        connections: open ones at most.
    """

    def __init__(self, url: str, *, connections: int = 5) -> None:
        self._engine = make_engine(url, connections=connections)
        self._lock = threading.Lock()
        self._away = False
        self._outages = 0
        self._cannot_write = False  # no single transaction proves that it can again: small ones always fit
        self._held_up: set[str] = set()  # clients whose newest cycle ended because Postgres cannot write

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def transact(
        self, work: Callable[[Connection], T], deadline: Deadline, *, patience: float = PATIENCE
    ) -> T:
        """Run `work` in one transaction and commit it; on a passing failure run the whole of it again.

        `work` must do nothing but database work, since it may run more than once, even after a commit whose
        answer was lost.

        Args:
            patience: seconds to wait for a server that is away.

        Raises:
            DatabaseUnavailable: the server is away, full, read-only or kept being in the way.
            DBAPIError: the server refused the data; nothing was written.
        """
        until = deadline.within(patience)
        conflicts = attempt = 0
        while True:
            outages, begun = self._outages, False
            try:
                with self._engine.begin() as connection:
                    begun = True
                    result = work(connection)
                self._note_back(outages)
                return result
            except DBAPIError as caught:
                error, state = caught, sqlstate(caught)
                if error.connection_invalidated and not begun and not attempt:
                    attempt = 1  # a connection from before Postgres was started anew; the pool has let all of them go
                    continue
                if state == _STANDBY or state in _CANNOT_WRITE:
                    self._engine.dispose()  # a standby stays one for its sessions, also when the address leads elsewhere
                conflicts += state in _CONFLICTS
                if not _may_pass(error) or conflicts >= CONFLICT_ATTEMPTS:
                    if state in _CANNOT_WRITE:
                        self._note_away(f"SQLSTATE {state}", cannot_write=True)
                    raise explained(error) from None
                if state not in _CONFLICTS:
                    self._note_away(_why_away(error, state))
            except PoolTimeout:
                raise DatabaseUnavailable(
                    "all of its connections have been waiting for Postgres for 30 s"
                ) from None
            wait = random.random() * min(2.0, 0.05 * 2**attempt)  # noqa: S311 - jitter is no secret
            attempt += 1
            if wait >= (deadline if state in _CONFLICTS else until).remaining():
                raise explained(error) from None
            with suppress(DeadlineExceeded):  # slept longer than that, as a machine does that was suspended
                deadline.sleep(wait)

    def note_cycle(self, client_id: str, error: Exception | None) -> None:
        """A client's cycle has ended. Postgres can write again when that holds up none of them any more."""
        with self._lock:
            if isinstance(error, DatabaseUnavailable):
                if error.sqlstate in _CANNOT_WRITE:
                    self._held_up.add(client_id)
                return
            self._held_up.discard(client_id)
            self._cannot_write = self._cannot_write and bool(self._held_up)

    def _note_away(self, reason: str, *, cannot_write: bool = False) -> None:
        with self._lock:
            self._cannot_write = self._cannot_write or cannot_write
            if not self._away:
                log.error("database_unavailable", reason=reason)
                self._outages += 1
            self._away = True

    def _note_back(self, outages: int) -> None:
        """Postgres is back if a transaction succeeded that began after the newest outage was noticed."""
        with self._lock:
            if self._away and not self._cannot_write and outages == self._outages:
                log.info("database_available")
                self._away = False


def make_engine(url: str, *, connections: int = 5) -> Engine:
    """An engine whose errors hold no parameters and whose commits are believed only if the server agrees."""
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,
        use_native_hstore=False,  # no column is one; asking for its type costs three round trips at the first connect
        connect_args={
            "autocommit": True,  # each transaction begins with `_BEGIN`, see there
            "application_name": "syncd",
            "client_encoding": "utf8",
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            "prepare_threshold": None,  # server-side prepared statements do not survive PgBouncer
        },
    )
    event.listen(engine, "do_connect", choose_primary)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", _refuse_aborted_commit)
    return engine


def choose_primary(dialect: object, record: object, arguments: object, parameters: dict[str, Any]) -> None:
    """Let libpq look for the primary where several hosts are given; a listener for `do_connect`."""
    if "," in parameters.get("host", ""):
        parameters["target_session_attrs"] = "primary"


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(_BEGIN)


def _refuse_aborted_commit(connection: Connection) -> None:
    # Postgres answers COMMIT with ROLLBACK in an aborted transaction, and no driver raises.
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status != TransactionStatus.INTRANS:
        connection.invalidate()
        raise DatabaseUnavailable("a transaction was aborted before its commit; nothing of it was written")


def sqlstate(error: DBAPIError) -> str:
    """The five-letter code of Postgres, or an empty string when the server said nothing."""
    return getattr(error.orig, "sqlstate", None) or ""


def explained(error: DBAPIError) -> Exception:
    """What to raise for an error that no retry mends: a sentence, or the error itself if the data was refused."""
    state = sqlstate(error)
    if state in _CANNOT_WRITE:
        reason = f"Postgres cannot write (SQLSTATE {state}): free its disk, end its read-only mode, or lead to the primary"
    elif state in _CONFLICTS:
        reason = f"other transactions keep blocking (SQLSTATE {state})"
    elif state[:2] in ("28", "3D", "42") or isinstance(error, InterfaceError):
        reason = (
            f"Postgres does not let syncd work (SQLSTATE {state or 'none'}): check database.url, the password, "
            "the role's grants and `syncd db current`"
        )
    elif _may_pass(error):
        reason = f"Postgres is away: {_why_away(error, state)}"
    else:
        return error
    told = state in _CANNOT_WRITE or (_may_pass(error) and state not in _CONFLICTS)
    return DatabaseUnavailable(reason, sqlstate=state, told=told)


_NO_PRIMARY = "the host of database.url is a standby, which cannot be written to"
# libpq tells why it could not connect in words only. Known ones are told in ours, the others not at all.
_CONNECTING = (
    ("password authentication failed", "the password in database.url is wrong"),
    ("no password supplied", "database.url has no password, and the server wants one"),
    ("no pg_hba.conf entry", "the server's pg_hba.conf lets nobody in from here"),
    ("does not exist", "the role or the database of database.url does not exist"),
    (
        "Connection refused",
        "nothing listens at the address of database.url: start Postgres, or correct host and port",
    ),
    ("translate host name", "the host of database.url is not known"),
    ("resolve host", "the host of database.url is not known"),
    ("timeout", "the host of database.url does not answer"),
    (
        "hot standby",
        _NO_PRIMARY,
    ),  # behind the others: where there are several hosts, it is said of each standby
)


def _why_away(error: DBAPIError, state: str) -> str:
    """The reason in a sentence that holds nothing of the error's own text."""
    if state == _STANDBY:
        return _NO_PRIMARY
    words = str(error.orig)
    for sign, reason in _CONNECTING:
        if not state and sign in words:
            return reason
    return f"SQLSTATE {state}" if state else "the connection broke or could not be made"


def _may_pass(error: DBAPIError) -> bool:
    state = sqlstate(error)
    if state in _CONFLICTS or state in _AWAY or state.startswith("08"):
        return True
    return state == "" and (error.connection_invalidated or isinstance(error, OperationalError))
