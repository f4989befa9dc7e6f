"""The schema: models and migrations are one, the way leads up, down and up again, and old and new ones are refused."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, text

from syncd.errors import Refused, SyncdError
from syncd.store import migrate
from syncd.store.tables import metadata
from syncd.store.tables.comments import COMMENTS
from tests.system.processes import eventually, site

pytestmark = pytest.mark.slow

OWN = ("ats", "ops", "report", "report_data")
# A view's columns and comments come with the view.
KINDS = {
    "columns": "SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default, "
    "is_identity, identity_generation FROM information_schema.columns WHERE table_schema <> 'report'",
    "views and triggers": "SELECT schemaname AS table_schema, viewname, definition FROM pg_views UNION ALL "
    "SELECT n.nspname, tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT tgisinternal",
    "constraints": "SELECT n.nspname AS table_schema, conrelid::regclass::text, conname, "
    "pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace",
    "indexes": "SELECT schemaname AS table_schema, tablename, indexname, indexdef FROM pg_indexes",
    "comments": "SELECT n.nspname AS table_schema, objoid::regclass::text, coalesce(attname, ''), description FROM pg_description "
    "JOIN pg_class c ON c.oid = objoid AND classoid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = relnamespace "
    "LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0 WHERE relkind = 'r'",
    "functions and sequences": "SELECT n.nspname AS table_schema, proname, 'f' FROM pg_proc JOIN pg_namespace n "
    "ON n.oid = pronamespace UNION ALL SELECT sequence_schema, sequence_name, 's' FROM information_schema.sequences",
}


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def catalog(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that Postgres knows of our schemas, but for alembic's own table."""
    with connected(url) as connection:
        found = {
            kind: connection.execute(
                text(
                    f"SELECT * FROM ({sql}) AS c WHERE table_schema IN ('ats', 'ops', 'report', 'report_data')"
                )
            )
            for kind, sql in KINDS.items()
        }
        return {
            kind: sorted(
                tuple(row) for row in rows if not any("alembic_version" in str(each) for each in row)
            )
            for kind, rows in found.items()
        }


def differences(connection: Connection) -> list[Any]:
    options = {
        "version_table_schema": migrate.VERSION_SCHEMA,
        "include_schemas": True,
        "include_name": migrate.include_name,
        "compare_type": True,
        "compare_server_default": True,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_alembic_finds_no_difference_between_models_and_migrations(database_url: str) -> None:
    with connected(database_url) as connection:
        assert differences(connection) == []


# What alembic says to each change: what it would do to take the database to the models.
CHANGES = {
    "add_column": "ALTER TABLE ats.media DROP COLUMN verified_at",
    "remove_column": "ALTER TABLE ats.media ADD COLUMN more text",
    "modify_type": "ALTER TABLE ats.media ALTER COLUMN attempts TYPE bigint",
    "modify_nullable": "ALTER TABLE ats.media ALTER COLUMN mime_type SET NOT NULL",
    "modify_default": "ALTER TABLE ats.media ALTER COLUMN state SET DEFAULT 'stored'",
    "modify_comment": "COMMENT ON COLUMN ats.media.state IS 'A new text without a new migration.'",
    "add_table_comment": "COMMENT ON TABLE ats.media IS NULL",
    "add_fk": "ALTER TABLE ats.attachment DROP CONSTRAINT fk_attachment_media",
    "add_index": "DROP INDEX ats.ix_media_open",
    "remove_table": "CREATE TABLE ops.more (x int)",
}


def test_a_difference_would_be_found(database_url: str) -> None:
    with connected(database_url) as connection:
        for change in CHANGES.values():
            connection.execute(text(change))
        found = [
            operation
            for each in differences(connection)
            for operation, *_ in (each if isinstance(each, list) else [each])
        ]
        assert sorted(found) == sorted(CHANGES)


def test_postgres_finds_no_difference_either(database_url: str, empty_database_url: str) -> None:
    """Names of keys, what a foreign key does on a delete, and where an index is partial are nothing alembic compares."""
    with connected(empty_database_url) as connection:
        for schema in OWN:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        metadata.create_all(connection)
    migrated = catalog(database_url)
    without_models = {kind: migrated.pop(kind) for kind in ("functions and sequences", "views and triggers")}
    assert {row[:2] for row in without_models["functions and sequences"]} == {
        ("report", "apply_link"),
        ("report", "percent_encode"),
        ("report_data", "shown"),
        ("report_data", "shown_reference"),
        *(("report_data", f"note_{what}") for what in ("applications", "changes", "files", "client")),
        *(("report_data", f"note_{what}") for what in ("outcomes", "changed_outcomes")),
    }
    assert catalog(empty_database_url) == migrated | {kind: [] for kind in without_models}
    assert {row[1] for row in migrated["columns"]} == {table.name for table in metadata.tables.values()}


def test_the_way_leads_up_down_and_up_again_and_leaves_alone_what_is_not_ours(
    empty_database_url: str,
) -> None:
    with connected(empty_database_url) as connection:
        connection.execute(text("CREATE TABLE public.theirs (x int)"))
        connection.execute(text("INSERT INTO public.theirs VALUES (1)"))
    migrate.upgrade(empty_database_url)
    once = catalog(empty_database_url)
    with connected(empty_database_url) as connection:
        connection.execute(text("INSERT INTO ats.client (client_id) VALUES ('acme')"))
        assert differences(connection) == []
    migrate.upgrade(empty_database_url)  # once more changes nothing
    with connected(empty_database_url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM ats.client")) == 1
        migrate.require_head(connection)

    migrate.downgrade(empty_database_url, "base")
    assert not any(catalog(empty_database_url).values())
    with connected(empty_database_url) as connection:
        assert migrate.current(connection) is None
        assert connection.scalar(text("SELECT count(*) FROM pg_namespace WHERE nspname = 'ats'")) == 0
        with pytest.raises(Refused, match="is at nothing"):
            migrate.require_head(connection)

    migrate.upgrade(empty_database_url)
    assert catalog(empty_database_url) == once
    with connected(empty_database_url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM ats.client")) == 0
        assert connection.scalar(text("SELECT sum(x) FROM public.theirs")) == 1


REFUSED = """
    CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'not today' USING ERRCODE = '42501'; END $$;
    CREATE EVENT TRIGGER refused ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.refuse()
    """


def test_a_migration_that_fails_in_the_middle_changes_nothing(empty_database_url: str) -> None:
    with connected(empty_database_url) as connection:
        connection.exec_driver_sql(REFUSED)
    with pytest.raises(SyncdError, match="42501"):
        migrate.upgrade(empty_database_url)
    assert not any(catalog(empty_database_url).values())
    with connected(empty_database_url) as connection:
        assert migrate.current(connection) is None
        connection.execute(text("DROP EVENT TRIGGER refused"))
    migrate.upgrade(empty_database_url)
    with connected(empty_database_url) as connection:
        assert differences(connection) == []


WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.mark.parametrize(
    ("schema_is_there", "first_one_fails"),
    [(False, False), pytest.param(True, True, marks=pytest.mark.thorough)],
)
def test_of_four_processes_at_once_one_migrates_and_the_others_wait(
    schema_is_there: bool, first_one_fails: bool, empty_database_url: str, tmp_path: Path
) -> None:
    """They are held behind a fifth one until all four wait, so that they really meet."""
    with (
        site(empty_database_url, tmp_path) as here,
        ExitStack() as stack,
        psycopg.connect(empty_database_url.replace("+psycopg", "")) as holder,
    ):
        if schema_is_there:
            here.execute("CREATE SCHEMA ops")
        else:
            holder.execute("CREATE SCHEMA ops")
        holder.execute(migrate._CREATE_VERSION_TABLE)
        running = [stack.enter_context(here.start("db", "upgrade")) for _ in range(4)]
        eventually(lambda: here.value(WAITING) == 4, "all four wait")
        assert here.value("SELECT count(*) FROM pg_namespace WHERE nspname IN ('ats', 'report')") == 0
        if first_one_fails:
            holder.rollback()
        else:
            holder.commit()
        assert [(each.wait(), each.log_path.read_text()) for each in running] == [(0, "")] * 4
        with connected(empty_database_url) as connection:
            assert differences(connection) == []
        assert here.rows("SELECT version_num FROM ops.alembic_version") == [(migrate.head(),)]


COMMANDS = ["run", "sync", "status", "verify", "quarantine retry"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_schema_that_is_not_there_is_refused_with_the_remedy(
    command: str, empty_database_url: str, tmp_path: Path
) -> None:
    with site(empty_database_url, tmp_path) as here:
        result = here.run(*command.split())
        assert (result.returncode, result.stdout) == (4, "")
        needed = f"syncd needs {migrate.head()}: run `syncd db upgrade`"
        assert result.stderr == f"syncd: the database schema is at nothing, {needed}\n"
        assert here.sandbox.ledger.requests == []
        assert (
            here.value(
                "SELECT count(*) FROM pg_namespace WHERE nspname IN ('ats', 'ops', 'report', 'report_data')"
            )
            == 0
        )


@pytest.mark.parametrize("command", [*COMMANDS, "db upgrade"])
def test_a_schema_of_a_newer_syncd_is_refused_with_the_remedy_and_left_alone(
    command: str, database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        here.execute("UPDATE ops.alembic_version SET version_num = 'of_the_future'")
        before = here.rows_as_they_are()
        result = here.run(*command.split())
        assert (result.returncode, result.stdout) == (4, "")
        assert "is at of_the_future" in result.stderr
        assert "it was made by a newer syncd: install that version" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert here.sandbox.ledger.requests == []
        assert here.rows_as_they_are() == before


def test_the_revision_that_syncd_asks_for_is_the_newest_migration() -> None:
    newest = max(
        path.name[:4] for path in (Path(__file__).parents[2] / "migrations" / "versions").glob("[0-9]*.py")
    )
    assert migrate.head() == newest


def test_a_new_text_about_a_column_comes_with_a_migration_that_writes_it() -> None:
    """If this fails: end a new migration with `write_comments(op.get_bind())`, and put the new values here."""
    texts = hashlib.sha256(repr(COMMENTS).encode()).hexdigest()[:8]
    assert (texts, migrate.head()) == ("c05eb53a", "0013")


def test_only_a_revision_that_is_not_known_here_is_of_a_newer_syncd() -> None:
    for past in (None, "0001", migrate.head()):
        assert migrate.remedy_for(past) == "run `syncd db upgrade`"
    assert "newer syncd" in migrate.remedy_for("of_the_future")


def test_going_down_from_a_schema_of_a_newer_syncd_is_refused(database_url: str) -> None:
    with connected(database_url) as connection:
        connection.execute(text("UPDATE ops.alembic_version SET version_num = 'of_the_future'"))
    with pytest.raises(Refused, match="install that version"):
        migrate.downgrade(database_url, "base")
    with connected(database_url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM ats.client")) == 0


def test_every_foreign_key_can_be_followed_without_reading_a_whole_table(database_url: str) -> None:
    """A delete looks for what refers to the row: each reference has an index that begins with its columns.

    Two of them are enough where there are three: what belongs to one application is few rows.
    """
    unindexed = """
        SELECT conrelid::regclass || ' ' || conname FROM pg_constraint c
        WHERE contype = 'f' AND connamespace = 'ats'::regnamespace AND NOT EXISTS (
          SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
            AND (i.indkey::int2[])[0 : least(cardinality(c.conkey), 2) - 1] <@ c.conkey)
    """
    with connected(database_url) as connection:
        assert connection.execute(text(unindexed)).scalars().all() == []
        connection.execute(text("DROP INDEX ats.ix_application_external_reference_id"))
        found = connection.execute(text(unindexed)).scalars().all()
        assert found == ["ats.application fk_application_job"]
