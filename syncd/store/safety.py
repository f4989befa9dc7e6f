"""Whether this Postgres keeps what it has acknowledged."""

from sqlalchemy import Connection, text

from syncd.errors import Refused

OLDEST_SUPPORTED = 15


def problems(connection: Connection) -> list[str]:
    """Why syncd must not confirm on the strength of this server; empty when all is well."""
    row = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int / 10000 AS major, "
            "current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes, "
            "current_setting('server_encoding') AS encoding"
        )
    ).one()
    found = []
    if row.major < OLDEST_SUPPORTED:
        found.append(f"Postgres {row.major} is too old: syncd needs {OLDEST_SUPPORTED} or newer")
    if row.fsync != "on":
        found.append(
            "Postgres runs with fsync=off, so a power cut would lose confirmed applications: set fsync=on"
        )
    if row.full_page_writes != "on":
        found.append(
            "Postgres runs with full_page_writes=off, which a power cut may turn into damage: set it to on"
        )
    if row.encoding != "UTF8":
        found.append(
            f"the database is encoded in {row.encoding} and cannot hold every name: make one with UTF8"
        )
    return found


def require_safe(connection: Connection) -> None:
    """Raise `Refused` with everything that is wrong with the server's settings."""
    if found := problems(connection):
        raise Refused("; ".join(found))
