"""Connects pytest-postgresql to the embedded Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.embedded import EmbeddedPostgres

# The defaults of a production server, above all for durability, except for what keeps many servers small on a test machine.
# log_statement stays off: if a test finds a canary in the log, an error must have put it there, as in production.
SERVER_SETTINGS: Mapping[str, str] = {"max_connections": "100", "log_lock_waits": "on", "log_temp_files": "0"}


@dataclass(frozen=True)
class ServerAddress:
    """The attributes that pytest-postgresql's `depends_on` reads from a server fixture."""

    host: str
    port: int
    user: str
    password: str
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str = "template1"

    @classmethod
    def of(cls, server: EmbeddedPostgres) -> ServerAddress:
        """Returns the address of the embedded server's superuser."""
        return cls("127.0.0.1", server.port, "postgres", server.password)


def sqlalchemy_url(*, host: str, port: int | str, user: str, dbname: str, password: str | None) -> str:
    """Returns the form of the URL for syncd's configuration and SQLAlchemy."""
    return f"postgresql+psycopg://{user}:{password}@{host}:{port}/{dbname}"


def migrate(
    *, host: str, port: int | str, user: str, dbname: str, password: str | None, autocommit: bool
) -> None:
    """Migrates a new database to the newest schema; a loader for pytest-postgresql."""
    from syncd.store.migrate import (
        upgrade,
    )  # here, so that a test that needs no database does not pay for SQLAlchemy

    upgrade(sqlalchemy_url(host=host, port=port, user=user, dbname=dbname, password=password))
