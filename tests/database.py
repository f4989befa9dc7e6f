"""Knows the databases of the tests' servers, and connects pytest-postgresql to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from syncd.embedded import EmbeddedPostgres

# The defaults of a production server, above all for durability, except for what keeps many servers small on a test machine.
# log_statement stays off: if a test finds a canary in the log, an error must have put it there, as in production.
SERVER_SETTINGS: Mapping[str, str] = {"max_connections": "100", "log_lock_waits": "on", "log_temp_files": "0"}

# The database at the newest schema that each server of the tests has. Nobody writes to the one of a shared server.
MIGRATED = "migrated"


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


def url_of(server: EmbeddedPostgres, dbname: str = MIGRATED) -> str:
    """Returns the SQLAlchemy URL of a database of this server, for its superuser."""
    return sqlalchemy_url(
        host="127.0.0.1", port=server.port, user="postgres", dbname=dbname, password=server.password
    )


def make_migrated(server: EmbeddedPostgres) -> None:
    """Creates the database `MIGRATED` on a new server, at the newest schema."""
    # Here, so that a test that needs no database does not pay for SQLAlchemy.
    from syncd.store.migrate import upgrade

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {MIGRATED}".encode())
    upgrade(url_of(server))
