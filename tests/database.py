"""What stands between pytest-postgresql and the embedded Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.embedded import EmbeddedPostgres

# The defaults of a server in production, durability above all, but for what keeps many servers small on a test machine.
# log_statement stays off: a canary found in the log was put there by an error that an operator would meet as well.
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
        """The address of the embedded server's superuser."""
        return cls("127.0.0.1", server.port, "postgres", server.password)


def sqlalchemy_url(*, host: str, port: int | str, user: str, dbname: str, password: str | None) -> str:
    """The URL form that syncd's configuration and SQLAlchemy take."""
    return f"postgresql+psycopg://{user}:{password}@{host}:{port}/{dbname}"


def migrate(
    *, host: str, port: int | str, user: str, dbname: str, password: str | None, autocommit: bool
) -> None:
    """Bring a new database to the newest schema with syncd's own migrations; a loader for pytest-postgresql."""
    from syncd.store.migrate import (
        upgrade,
    )  # here, so that a test that needs no database does not pay for SQLAlchemy

    upgrade(sqlalchemy_url(host=host, port=port, user=user, dbname=dbname, password=password))
