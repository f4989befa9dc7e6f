"""Lists that people import, as temporary tables of one transaction: the server compares them, and not our memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, MetaData, Numeric, Table, Text, text

from syncd.store.copying import copy_rows

# A million rows take half a minute on two cores.
_STATEMENT_TIMEOUT = "15min"


class ListTable:
    """A temporary table `pg_temp.NAME` with columns of a stored table, and `line_no`.

    `keys` are the columns that identify a row within a client. `value` is the other column of a list that has one.
    """

    def __init__(self, name: str, stored: Table, keys: Sequence[str], others: Sequence[str]) -> None:
        columns = (Column(each, _plain_type(stored.c[each])) for each in (*keys, *others))
        self.table = Table(name, MetaData(), Column("line_no", BigInteger), *columns, schema="pg_temp")
        self.stored = stored.fullname
        self.keys = tuple(keys)
        self.value = others[0]


def _plain_type(column: Column[Any]) -> Any:
    """Return the type under a name that COPY knows: without a precision, which the temporary table has."""
    return Numeric() if isinstance(column.type, Numeric) else column.type


@dataclass(frozen=True, slots=True)
class Merged:
    """How many rows of a list were new, and how many were known with another value."""

    new: int
    changed: int


# In this file, {loaded} is the temporary table, {stored} the table that it is merged into, and {same} compares their keys.
_CREATE = """
    CREATE TEMPORARY TABLE {loaded} ON COMMIT DROP AS
    SELECT 0::bigint AS line_no, {columns} FROM {stored} WITH NO DATA
    """


def load(
    connection: Connection, into: ListTable, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Copies a list into its temporary table, in one pass and constant memory. The table ends with the transaction.

    Args:
        columns: of the stored table, the keys among them.
        rows: the line number, then the values in the order of `columns`.
    """
    connection.execute(
        text("SELECT set_config('statement_timeout', :timeout, true)"), {"timeout": _STATEMENT_TIMEOUT}
    )
    created = _CREATE.format(loaded=into.table.name, columns=", ".join(columns), stored=into.stored)
    connection.execute(text(created))
    copy_rows(connection, into.table, ("line_no", *columns), rows)
    connection.execute(text(f"ANALYZE pg_temp.{into.table.name}"))


# A line with an error may lack a key.
_REPEATED = """
    SELECT line_no, first, count(*) OVER () AS total
    FROM (
        SELECT line_no, min(line_no) OVER (PARTITION BY {keys}) AS first
        FROM pg_temp.{loaded} WHERE num_nulls({keys}) = 0
    ) AS lines
    WHERE line_no > first
    ORDER BY line_no
    LIMIT :limit
    """


def repeated(connection: Connection, loaded: ListTable, limit: int) -> tuple[list[tuple[int, int]], int]:
    """Selects the lines that repeat the keys of another line, each with the line that named them first.

    Returns:
        At most `limit` pairs of line numbers, and the number of all such lines.
    """
    keys = ", ".join(_sorted_by(loaded.table.c[key]) for key in loaded.keys)
    found = connection.execute(
        text(_REPEATED.format(keys=keys, loaded=loaded.table.name)), {"limit": limit}
    ).all()
    return [(row.line_no, row.first) for row in found], found[0].total if found else 0


def _sorted_by(column: Column[Any]) -> str:
    return f'{column.name} COLLATE "C"' if isinstance(column.type, Text) else column.name


_INSERT_NEW = """
    INSERT INTO {stored} (client_id, {columns})
    SELECT :client_id, {columns} FROM pg_temp.{loaded} AS list
    WHERE NOT EXISTS (SELECT FROM {stored} AS known WHERE known.client_id = :client_id AND {same})
    ORDER BY {keys}
    """
_UPDATE_CHANGED = """
    UPDATE {stored} AS known SET {value} = list.{value}, imported_at = now()
    FROM pg_temp.{loaded} AS list
    WHERE known.client_id = :client_id AND {same} AND known.{value} <> list.{value}
    """


def merge(connection: Connection, client_id: str, loaded: ListTable) -> Merged:
    """Writes the rows of the loaded list whose value is not stored already. Lock the client first."""
    new, changed = (
        connection.execute(text(_for(loaded, statement)), {"client_id": client_id}).rowcount
        for statement in (_INSERT_NEW, _UPDATE_CHANGED)
    )
    return Merged(new, changed)


_REMOVE_UNLISTED = """
    WITH removed AS (
        DELETE FROM {stored} AS known
        WHERE client_id = :client_id AND {within}
        AND NOT EXISTS (SELECT FROM pg_temp.{loaded} AS list WHERE {same})
        RETURNING {keys}
    )
    SELECT {keys}, count(*) OVER () AS total FROM removed ORDER BY {keys} LIMIT :limit
    """


def remove_unlisted(
    connection: Connection, client_id: str, loaded: ListTable, limit: int, *, within: str = "true"
) -> tuple[int, list[tuple[Any, ...]]]:
    """Deletes the stored rows that the loaded list does not name.

    Args:
        within: a condition in SQL that limits what is deleted.

    Returns:
        How many there were, and the keys of the first `limit` of them.
    """
    statement = text(_for(loaded, _REMOVE_UNLISTED, within=within))
    found = connection.execute(statement, {"client_id": client_id, "limit": limit}).all()
    return found[0].total if found else 0, [tuple(row[:-1]) for row in found]


def _for(loaded: ListTable, statement: str, **more: str) -> str:
    keys = loaded.keys
    return statement.format(
        stored=loaded.stored,
        loaded=loaded.table.name,
        keys=", ".join(keys),
        columns=", ".join((*keys, loaded.value)),
        value=loaded.value,
        same=" AND ".join(f"known.{key} = list.{key}" for key in keys),
        **more,
    )


def now(connection: Connection) -> datetime:
    """Returns the time at which the transaction began, by the clock of Postgres."""
    moment: datetime = connection.execute(text("SELECT now()")).scalar_one()
    return moment
