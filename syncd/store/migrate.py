"""Runs the migrations, which lie in the checkout or in the installed wheel, and checks the revision of the schema.

Only the functions that migrate import alembic. Its import takes as long as everything that `syncd status` does after
connecting, and reading the revision works without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError

import syncd
from syncd.errors import Refused
from syncd.store.engine import choose_primary
from syncd.store.failures import explained

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision in migrations/versions; a test compares the two.
HEAD = "0004"
VERSION_SCHEMA = "ops"
# The key of an advisory lock: any number that nobody else uses.
_LOCK = 7_966_337_105_211_893_764


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
    """Returns the revision of the database, or None before the first upgrade."""
    table = f"{VERSION_SCHEMA}.alembic_version"
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))
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
    return name in ("ats", "ops", "report") if kind == "schema" else name != "alembic_version"


def _migrate(url: str, revision: str, direction: Literal["upgrade", "downgrade"]) -> None:
    from alembic import command

    # The transaction holds the lock, so that it works behind PgBouncer and ends with the connection.
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "do_connect", choose_primary)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {VERSION_SCHEMA}"))
            found = current(connection)
            if found is not None and found not in _known():
                raise Refused(f"the database schema is at {found}: {remedy_for(found)}")
            config = _config()
            config.attributes["connection"] = connection
            {"upgrade": command.upgrade, "downgrade": command.downgrade}[direction](config, revision)
    except DBAPIError as error:
        raise explained(error) from None


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
