"""The database as a command opens it. Commands that ask nobody else import this, and so no HTTP library."""

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.settings import Settings
from syncd.store import migrate, safety
from syncd.store.database import Database


def database_of(settings: Settings, *, clients: int = 1) -> Database:
    """The database, with two connections for each client, whose cycle looks ahead, one for the leases, one for templates."""
    return Database(settings.database.url, connections=2 * clients + 2)


def require_ready(database: Database, *, patience: float = 0.0) -> None:
    """Refuse to work on an old schema or on a Postgres that does not keep what it acknowledges.

    Raises:
        Refused: with what to do about it.
        DatabaseUnavailable: Postgres did not answer within `patience` seconds.
    """

    def look(connection: Connection) -> None:
        safety.require_safe(connection)
        migrate.require_head(connection)

    database.transact(look, Deadline(60), patience=patience)
