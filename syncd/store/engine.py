"""Makes engines: how syncd connects to Postgres, and how each of its transactions begins and ends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event

from syncd.errors import DatabaseUnavailable

# What a role, a database or a variable such as PGDATESTYLE may have set, and what changes how Postgres reads a statement
# or writes a value. search_path comes first: what follows, and each later statement, then finds Postgres' own functions
# and operators, whatever functions of the same name others have created.
_PINNED = """
    SET LOCAL search_path = pg_catalog, pg_temp;
    SET LOCAL client_encoding = 'UTF8';
    SET LOCAL standard_conforming_strings = on;
    SET LOCAL transform_null_equals = off;
    SET LOCAL array_nulls = on;
    SET LOCAL row_security = on;
    SET LOCAL datestyle = 'ISO, YMD';
    SET LOCAL intervalstyle = 'postgres';
    SET LOCAL timezone = 'UTC';
    SET LOCAL bytea_output = 'hex';
    SET LOCAL extra_float_digits = 1;
    """

# The settings are made in each transaction and not at connect, so that they also hold behind PgBouncer in transaction
# mode; they are sent together with the BEGIN, so that they cost no round trip. The last column fails on a standby. A
# standby is behind, so we must not ask it what may be confirmed; and what libpq and PgBouncer know of a server may date
# from before a failover.
_SETTINGS = f"""
    {_PINNED}
    SELECT set_config(
               'synchronous_commit',
               CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'
                    ELSE current_setting('synchronous_commit') END,
               true
           ),
           set_config('statement_timeout', '120s', true),
           set_config('lock_timeout', '10s', true),
           set_config('idle_in_transaction_session_timeout', '60s', true),
           CASE WHEN pg_is_in_recovery() THEN pg_current_wal_lsn() END
    """
BEGIN = f"""
    BEGIN ISOLATION LEVEL READ COMMITTED;
    {_SETTINGS}
    """
# All statements of the transaction see the same state of the database, and none can change it.
BEGIN_SNAPSHOT = f"""
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    {_SETTINGS}
    """


PasswordAgain = Callable[[], str | None]


def make_engine(
    url: str, *, connections: int = 5, snapshot: bool = False, password_again: PasswordAgain | None = None
) -> Engine:
    """Makes an engine that hides parameters in its errors, and that reports a COMMIT which the server did not execute.

    With `snapshot`, its transactions only read, and all statements of a transaction see the same state.
    `password_again` returns the password that is configured now; it is called when the server refuses a login.
    """
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,
        # No column is an hstore. Asking for its type costs three round trips at the first connect.
        use_native_hstore=False,
        connect_args={
            # Each transaction begins with `BEGIN` or `BEGIN_SNAPSHOT`.
            "autocommit": True,
            "application_name": "syncd",
            "client_encoding": "utf8",
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            # Server-side prepared statements do not survive PgBouncer.
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "do_connect", _choose_primary)
    if password_again:
        event.listen(engine, "do_connect", partial(_connect, password_again))
    event.listen(engine, "begin", _begin_snapshot if snapshot else _begin)
    event.listen(engine, "commit", _refuse_aborted_commit)
    event.listen(engine, "after_cursor_execute", _beat)
    _pin_first_questions(engine)
    return engine


def _choose_primary(dialect: object, record: object, arguments: object, parameters: dict[str, Any]) -> None:
    """Lets libpq look for the primary if the URL names several hosts; a listener for `do_connect`."""
    if "," in parameters.get("host", ""):
        parameters["target_session_attrs"] = "primary"


def _connect(
    password_again: PasswordAgain, dialect: Any, record: object, arguments: Any, parameters: dict[str, Any]
) -> Any:
    """Connects. After a refused login, reads the password again and tries once more; a listener for `do_connect`.

    Parameters are those of the engine, so its later connections begin with the password that was read.
    """
    try:
        return dialect.connect(*arguments, **parameters)
    except psycopg.OperationalError as error:
        if error.pgconn is None or not (error.pgconn.used_password or error.pgconn.needs_password):
            raise
        password = password_again()
        if password in (None, parameters.get("password")):
            raise
        parameters["password"] = password
        return dialect.connect(*arguments, **parameters)


def _pin_first_questions(engine: Engine) -> None:
    # On the first connection, SQLAlchemy asks for some settings before any transaction of ours. It rolls back afterwards.
    ask = engine.dialect.initialize

    def ask_pinned(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN; {_PINNED}")
        ask(connection)

    engine.dialect.initialize = ask_pinned  # type: ignore[method-assign]  # there is no event before these questions


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(BEGIN)


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql(BEGIN_SNAPSHOT)


@contextmanager
def connected(connection: Connection, beat: Callable[[], object]) -> Iterator[None]:
    """Calls `beat` after each statement of the connection inside the `with`, and at its begin and end."""
    beat()
    # Kept, because a connection that broke meanwhile does not give it out any more.
    info = connection.info
    info["beat"] = beat
    try:
        yield
    finally:
        info.pop("beat", None)
        beat()


def _beat(connection: Connection, *_: object) -> None:
    if beat := connection.info.get("beat"):
        beat()


def _refuse_aborted_commit(connection: Connection) -> None:
    # Postgres answers COMMIT with ROLLBACK in an aborted transaction, and no driver raises.
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status != TransactionStatus.INTRANS:
        connection.invalidate()
        raise DatabaseUnavailable("the transaction was aborted before its commit; nothing of it was written")
