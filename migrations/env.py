"""Runs alembic over the connection that syncd.store.migrate opened and locked."""

from alembic import context
from sqlalchemy import Connection

from syncd.store.engine import make_engine
from syncd.store.migrate import VERSION_SCHEMA, include_name
from syncd.store.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=VERSION_SCHEMA,
        include_schemas=True,
        include_name=include_name,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("syncd migrates only over a connection. Use `syncd db upgrade`.")

given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _run(given)
# `alembic -x url=postgresql+psycopg://… check` in a checkout.
else:
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not isinstance(url, str):
        raise SystemExit("Pass -x url=postgresql+psycopg://user@host/database, or use `syncd db upgrade`.")
    with make_engine(url, connections=1).begin() as connection:
        _run(connection)
