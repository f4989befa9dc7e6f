"""Runs the migrations, which lie in the checkout or in the installed wheel, and checks the revision of the schema.

Only the functions that migrate import alembic. Its import takes as long as everything that `syncd status` does after
connecting, and reading the revision works without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

import syncd
from syncd.errors import DatabaseUnavailable, Refused
from syncd.store import blockers, safety
from syncd.store.engine import make_engine
from syncd.store.failures import LOCK_TIMEOUT, explained, sqlstate
from syncd.store.schemas import create_schema

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision in migrations/versions; a test compares the two.
HEAD = "0013"
VERSION_SCHEMA = "ops"

# A migration may rewrite large tables, and waits for another migration as long as that takes.
_NO_LIMITS = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
# Requests for a table queue behind the migration's own, so the migration does not wait long for a table in use.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '30s'"
_VERSION_TABLE = ("ops.alembic_version",)
# As alembic would create it.
_CREATE_VERSION_TABLE = """
    CREATE TABLE IF NOT EXISTS ops.alembic_version (
        version_num varchar(32) NOT NULL,
        CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
    )
    """
# Only the table's owner may take this lock. It blocks neither readers nor the grants of a running syncd.
_LOCK_VERSION_TABLE = "LOCK TABLE ops.alembic_version IN SHARE UPDATE EXCLUSIVE MODE"
# Two migrations have created the same schema or table at once. The second one waited for the first.
_CREATED_MEANWHILE = frozenset({"23505", "42P06", "42P07"})


# In the catalog, because to_regclass() would ask for a right to the schemas.
_TABLES = text(
    """
    SELECT EXISTS (
               SELECT FROM pg_tables WHERE schemaname = 'ops' AND tablename = 'alembic_version'
           ) AS has_revisions,
           EXISTS (
               SELECT FROM pg_tables WHERE schemaname = 'ats' AND tablename = 'application'
           ) AS has_applications
    """
)
_REVISIONS = f"{VERSION_SCHEMA}.alembic_version"


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates the schema up to `revision`. If several processes do so at once, one works and the others wait.

    Raises:
        Refused: a newer syncd has made the schema.
        SyncdError: Postgres refused the migration; nothing has changed.
    """
    _migrate(url, revision, "upgrade")


def downgrade(url: str, revision: str) -> None:
    """Migrates the schema down to `revision` (`base` removes everything, including the data)."""
    _migrate(url, revision, "downgrade")


def head() -> str:
    """Returns the revision that this version of syncd works with."""
    return HEAD


def current(connection: Connection) -> str | None:
    """Returns the revision of the database, or None before the first upgrade.

    Raises:
        Refused: the table of revisions is there, but not the tables that syncd's first migration makes.
    """
    tables = connection.execute(_TABLES).one()
    if not tables.has_revisions:
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_REVISIONS}"))
    if found is not None and not tables.has_applications:
        raise Refused(
            f"{_REVISIONS} belongs to another application, since there is no table ats.application: "
            "create a database for syncd alone"
        )
    return found


def require_head(connection: Connection) -> None:
    """Raises `Refused` unless the schema is at the revision that this version of syncd works with."""
    found, needed = current(connection), head()
    if found != needed:
        raise Refused(
            f"the database schema is at {found or 'nothing'}, syncd needs {needed}: {remedy_for(found)}"
        )


def remedy_for(found: str | None) -> str:
    """Returns what to do about a schema at another revision than `head()`; None is before the first upgrade."""
    if found is None or found in _known():
        return "run `syncd db upgrade`"
    return "it was made by a newer syncd: install that version"


def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Tells alembic, when it compares, which schemas and tables are syncd's. It ignores the rest of the database."""
    return name in ("ats", "ops", "report", "report_data") if kind == "schema" else name != "alembic_version"


def _migrate(url: str, revision: str, direction: Literal["upgrade", "downgrade"]) -> None:
    engine = make_engine(url, connections=1)
    try:
        _try_to_migrate(engine, revision, direction)
    except DBAPIError as error:
        if sqlstate(error) == LOCK_TIMEOUT:
            raise DatabaseUnavailable(_busy(engine), sqlstate=LOCK_TIMEOUT) from None
        raise explained(error) from None
    finally:
        engine.dispose()


def _try_to_migrate(engine: Engine, revision: str, direction: Literal["upgrade", "downgrade"]) -> None:
    for last_attempt in (False, True):
        try:
            with engine.begin() as connection:
                safety.require_utf8(connection)
                _lock(connection)
                found = current(connection)
                if found is not None and found not in _known():
                    raise Refused(f"the database schema is at {found}: {remedy_for(found)}")
                _run(connection, revision, direction)
            return
        except DBAPIError as error:
            if last_attempt or sqlstate(error) not in _CREATED_MEANWHILE:
                raise


def _lock(connection: Connection) -> None:
    """Waits for other migrations of this database. The transaction holds the lock, so that it works behind PgBouncer."""
    connection.exec_driver_sql(_NO_LIMITS)
    if current(connection) is None:
        create_schema(connection, VERSION_SCHEMA, expected=_VERSION_TABLE)
    connection.exec_driver_sql(_CREATE_VERSION_TABLE)
    connection.exec_driver_sql(_LOCK_VERSION_TABLE)
    connection.exec_driver_sql(_LOCK_TIMEOUT)


def _run(connection: Connection, revision: str, direction: Literal["upgrade", "downgrade"]) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    {"upgrade": command.upgrade, "downgrade": command.downgrade}[direction](config, revision)


def _busy(engine: Engine) -> str:
    with engine.begin() as connection:
        sessions = blockers.describe(connection, readers=True)
    return f"The migration waited 30 s for a table that other sessions use, and changed nothing. {sessions}".rstrip()


def _known() -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    from alembic.config import Config

    package = Path(syncd.__file__).parent
    shipped, checkout = package / "migrations", package.parent / "migrations"
    config = Config()
    config.set_main_option(
        "script_location", str(shipped if shipped.is_dir() else checkout).replace("%", "%%")
    )
    return config
