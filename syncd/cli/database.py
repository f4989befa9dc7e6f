"""Opens the database for a command. Commands that only query the database import this module and no HTTP library."""

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.settings import Settings
from syncd.store import migrate, safety
from syncd.store.database import Database


def database_of(settings: Settings, *, clients: int = 1) -> Database:
    """Create the database with its connection pool.

    The pool has two connections per client (a cycle reads ahead), and one each for the leases, for templates and for
    the web server.
    """
    password = settings.database.password
    return Database(
        settings.database.url,
        connections=connections_for(clients),
        password_again=password.again if password else None,
    )


def connections_for(clients: int) -> int:
    """Return how many connections the daemon may open for this number of clients."""
    return 2 * clients + 3


def snapshots_of(settings: Settings) -> Database:
    """Create a database with one connection, whose transactions only read and see one state of the database each."""
    return Database(settings.database.url, connections=1, snapshot=True)


def require_ready(database: Database, *, patience: float = 0.0) -> None:
    """Check the schema revision and that Postgres runs with safe durability settings.

    Raises:
        Refused: a check failed; the message says how to fix it.
        DatabaseUnavailable: Postgres did not answer within `patience` seconds.
    """

    def look(connection: Connection) -> None:
        safety.require_safe(connection)
        migrate.require_head(connection)

    database.transact(look, Deadline(60), patience=patience)
