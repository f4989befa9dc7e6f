"""Checks whether this Postgres keeps what it has acknowledged."""

from sqlalchemy import Connection, text

from syncd.errors import Refused

OLDEST_SUPPORTED = 15

_SETTINGS = text(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS major,
           current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('data_sync_retry') AS data_sync_retry,
           current_setting('server_encoding') AS encoding,
           (SELECT string_agg(n.nspname || '.' || c.relname, ', ' ORDER BY n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('ats', 'ops') AND c.relkind = 'r' AND c.relpersistence = 'u') AS unlogged
    """
)


def problems(connection: Connection) -> list[str]:
    """Returns the reasons why syncd must not trust this server with confirmed applications; empty if there are none."""
    row = connection.execute(_SETTINGS).one()
    found = []
    if row.major < OLDEST_SUPPORTED:
        found.append(f"Postgres {row.major} is too old: syncd needs {OLDEST_SUPPORTED} or newer")
    if row.fsync != "on":
        found.append(
            "Postgres runs with fsync=off, so a power cut would lose confirmed applications: set fsync=on"
        )
    if row.full_page_writes != "on":
        found.append(
            "Postgres runs with full_page_writes=off, so a power cut may damage its tables: set full_page_writes=on"
        )
    if row.data_sync_retry != "off":
        found.append(
            "Postgres runs with data_sync_retry=on, so it would trust a disk after a failed fsync: set data_sync_retry=off"
        )
    if row.unlogged:
        found.append(
            f"Postgres would empty {row.unlogged} after a crash, since that is UNLOGGED: run ALTER TABLE … SET LOGGED"
        )
    if row.encoding != "UTF8":
        found.append(_wrong_encoding(row.encoding))
    return found


def require_safe(connection: Connection) -> None:
    """Raises `Refused` with all problems of the server's settings."""
    if found := problems(connection):
        raise Refused("; ".join(found))


def require_utf8(connection: Connection) -> None:
    """Raises `Refused` if the database's encoding is not UTF-8."""
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise Refused(_wrong_encoding(encoding))


def _wrong_encoding(found: str) -> str:
    return f"the database's encoding is {found}, which cannot hold every name: create a database with UTF8"
