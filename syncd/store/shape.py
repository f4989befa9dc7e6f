"""Checks whether the tables are as the migrations have made them, whatever others have done to them since."""

from sqlalchemy import Connection, text

from syncd.errors import SyncdError
from syncd.store.tables import metadata

_ABSENT = text(
    """
    SELECT CASE WHEN c.oid IS NULL THEN 'table ' || tab ELSE 'column ' || col || ' of ' || tab END
    FROM unnest(CAST(:tables AS text[]), CAST(:columns AS text[])) AS needed (tab, col)
    LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) ON n.nspname || '.' || c.relname = tab
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = col AND NOT a.attisdropped
    WHERE a.attname IS NULL
    GROUP BY 1 ORDER BY 1 LIMIT 10
    """
)
# Columns of others for which an INSERT of syncd has no value.
_UNFILLED = text(
    """
    SELECT 'column ' || a.attname || ' of ' || n.nspname || '.' || c.relname
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = ANY(:tables) AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
    AND (n.nspname || '.' || c.relname, a.attname) NOT IN (
        SELECT * FROM unnest(CAST(:tables AS text[]), CAST(:columns AS text[]))
    )
    ORDER BY 1 LIMIT 10
    """
)


def require_tables(connection: Connection) -> None:
    """Raise `SyncdError` with the tables and columns that are missing, and with columns of others that syncd cannot fill."""
    names = [
        (f"{table.schema}.{table.name}", column.name)
        for table in metadata.tables.values()
        for column in table.columns
    ]
    values = {"tables": [table for table, _ in names], "columns": [column for _, column in names]}
    if lacking := connection.execute(_ABSENT, values).scalars().all():
        raise SyncdError(
            f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing. "
            "Somebody has removed or renamed what a migration of syncd has made; undo that"
        )
    if foreign := connection.execute(_UNFILLED, values).scalars().all():
        raise SyncdError(
            f"syncd does not fill {', '.join(foreign)}, which must not be NULL. "
            "Give each column a default, or allow NULL"
        )
