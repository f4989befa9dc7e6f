"""Makes, removes and describes the schemas of the migrations, in databases in which others may have made them before."""

from sqlalchemy import Connection, text
from sqlalchemy.schema import SetColumnComment, SetTableComment

from syncd.errors import Refused
from syncd.store.tables import metadata

_FOUND = text(
    """
    SELECT to_regnamespace(:name) IS NOT NULL AS there,
           has_database_privilege(current_database(), 'CREATE') AS may_create,
           has_schema_privilege(to_regnamespace(:name), 'USAGE')
               AND has_schema_privilege(to_regnamespace(:name), 'CREATE') AS may_use,
           (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = :name) AS owned
    """
)
# Every object in a schema depends on it. Rights that are granted in advance are no object.
_CONTENT = text(
    """
    SELECT object.type || ' ' || object.identity
    FROM pg_depend, pg_identify_object(classid, objid, objsubid) AS object
    WHERE refclassid = 'pg_namespace'::regclass AND refobjid = to_regnamespace(:name)
    AND deptype = 'n' AND classid != 'pg_default_acl'::regclass
    AND object.identity != ALL (:expected)
    ORDER BY 1 LIMIT 1
    """
)


def create_schema(connection: Connection, name: str, *, expected: tuple[str, ...] = ()) -> None:
    """Creates a schema, or takes one that exists if nothing is in it.

    Args:
        expected: objects that may be in it, such as `ops.alembic_version`.

    Raises:
        Refused: something else is in the schema, or the role may not create schemas or tables.
    """
    found = connection.execute(_FOUND, {"name": name}).one()
    if not found.there:
        if not found.may_create:
            raise Refused(
                f"this role may not create schema '{name}'. Run the SQL of `syncd db roles` and use syncd_owner, "
                "or have an administrator create the schemas ats, ops, report and report_data for this role."
            )
        connection.exec_driver_sql(f'CREATE SCHEMA "{name}"')
        return
    foreign = connection.scalar(_CONTENT, {"name": name, "expected": list(expected)})
    if foreign is not None:
        raise Refused(
            f"schema '{name}' exists and contains {foreign}, which is not from syncd. "
            "Use a database of syncd's own, or move what is in the schema elsewhere."
        )
    if not found.may_use:
        raise Refused(
            f"schema '{name}' exists, but this role may not create tables in it. "
            f"Run GRANT USAGE, CREATE ON SCHEMA {name} for this role."
        )


def drop_schema(connection: Connection, name: str) -> None:
    """Drops a schema; leaves it, empty, if it belongs to somebody else."""
    if connection.execute(_FOUND, {"name": name}).one().owned:
        connection.exec_driver_sql(f'DROP SCHEMA "{name}"')


_COLUMNS = text(
    """
    SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns
    WHERE table_schema IN ('ats', 'ops', 'report_data')
    """
)


def write_comments(connection: Connection) -> None:
    """Writes what each table and column means into the catalog; leaves out those that a later migration adds."""
    there = {(table, column) for table, column in connection.execute(_COLUMNS)}
    for table in metadata.tables.values():
        if table.fullname in {name for name, _ in there}:
            connection.execute(SetTableComment(table))
        for column in table.columns:
            if (table.fullname, column.name) in there:
                connection.execute(SetColumnComment(column))
    connection.exec_driver_sql("COMMENT ON TABLE ops.alembic_version IS 'The revision of the schema.'")
