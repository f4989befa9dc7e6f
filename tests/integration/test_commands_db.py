"""`syncd db`: migrations from the command line, and roles whose rights are enough and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from tests.starter import CLEAN, run
from tests.system.processes import Site, site

NAMES = ("syncd_owner", "syncd_writer", "syncd_reader", "syncd_eraser")


def test_upgrade_brings_an_empty_database_to_the_newest_schema_and_may_be_repeated(
    empty_database_url: str, tmp_path: Path
) -> None:
    with site(empty_database_url, tmp_path) as here:
        before = here.run("db", "current")
        assert before.returncode == 0
        assert before.stdout.startswith("The schema is empty; this version of syncd needs ")
        assert before.stdout.endswith("; run `syncd db upgrade`.\n")
        for _ in range(2):
            result = here.run("db", "upgrade")
            assert (result.returncode, result.stderr) == (0, "")
            assert result.stdout.startswith("The schema is at revision ")
        current = json.loads(here.run("db", "current", "--json").stdout)
        assert current["revision"] == current["needed"] is not None
        assert here.run("sync").returncode == 0
        here.assert_complete()


def test_db_commands_need_no_client_and_no_media_root(database_url: str, tmp_path: Path) -> None:
    environ = CLEAN | {"SYNCD_DATABASE__URL": database_url}
    for command in (["db", "upgrade"], ["db", "current"], ["quarantine", "list"]):
        result = run(command, env=environ, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, ""), command


def test_several_upgrades_at_once_all_succeed(empty_database_url: str, tmp_path: Path) -> None:
    with site(empty_database_url, tmp_path) as here:
        with (
            here.start("db", "upgrade") as one,
            here.start("db", "upgrade") as other,
            here.start("db", "upgrade") as third,
        ):
            assert [each.wait() for each in (one, other, third)] == [0, 0, 0]
        assert here.run("check").returncode == 0


def test_a_schema_of_a_newer_syncd_is_refused_with_what_to_do(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        here.execute("UPDATE ops.alembic_version SET version_num = 'of_the_future'")
        result = here.run("sync")
        assert result.returncode == 4
        assert "it was made by a newer syncd: install that version" in result.stderr


@contextmanager
def with_roles(server: EmbeddedPostgres, here: Site) -> Iterator[str]:
    """The roles, made twice from the printed SQL; afterwards they are gone. Gives the writer's URL."""
    sql = here.run("db", "roles").stdout
    try:
        for _ in range(2):
            here.execute(sql)
        here.execute("ALTER ROLE syncd_writer LOGIN PASSWORD 'writer'")
        here.execute("ALTER ROLE syncd_reader LOGIN PASSWORD 'reader'")
        yield here.database_url.replace(f"postgres:{server.password}@", "syncd_writer:writer@")
    finally:
        for name in NAMES:
            here.execute(f"DROP OWNED BY {name}")
            here.execute(f"DROP ROLE {name}")


def test_roles_prints_sql_without_a_configuration(tmp_path: Path) -> None:
    result = run(["db", "roles"], env=CLEAN, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert all(name in result.stdout for name in NAMES)


def test_the_writer_can_do_a_whole_cycle_and_change_no_table(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here, with_roles(shared_postgres, here) as writer:
        for command in (
            ["check"],
            ["sync"],
            ["status"],
            ["verify"],
            ["quarantine", "list"],
            ["db", "current"],
        ):
            result = here.run(*command, DATABASE__URL=writer)
            assert result.returncode == 0, (command, result)
        for profile in list(here.sandbox.expected())[:3]:
            here.sandbox.change_profile(profile["profileId"], add_media=1)
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "steps": 7}')
        assert here.run("sync", DATABASE__URL=writer).returncode == 3
        assert here.run("quarantine", "retry", DATABASE__URL=writer).returncode == 3
        here.assert_complete()
        here.execute("UPDATE ops.store_mark SET token = 'x', generation = 1")
        assert here.run("check", DATABASE__URL=writer).returncode == 4
        assert here.run("verify", "--accept", DATABASE__URL=writer).returncode == 0
        forbidden = (
            "DROP TABLE ats.answer",
            "TRUNCATE ats.answer",
            "ALTER TABLE ats.answer ADD COLUMN x int",
            "CREATE TABLE ats.x (y int)",
            "CREATE TABLE ops.x (y int)",
            "CREATE SCHEMA x",
            "UPDATE ops.alembic_version SET version_num = 'x'",
            "DELETE FROM ops.alembic_version",
            "CREATE ROLE x",
            "UPDATE ops.secret SET value = value",
            "DELETE FROM ops.store_mark",
            "UPDATE ops.acceptance SET kind = ''",
            "DELETE FROM ops.acceptance",
        )
        for statement in forbidden:
            with (
                psycopg.connect(writer.replace("+psycopg", "")) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(statement.encode())
        upgrade = here.run("db", "upgrade", DATABASE__URL=writer)
        assert upgrade.returncode == 1
        assert "the role's grants" in upgrade.stderr
        assert "Traceback" not in upgrade.stderr


def test_the_reader_sees_nothing_of_the_applicants_and_of_operations(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here, with_roles(shared_postgres, here) as writer:
        assert here.run("sync", DATABASE__URL=writer).returncode == 0
        reader = writer.replace("syncd_writer:writer@", "syncd_reader:reader@").replace("+psycopg", "")
        tables = here.rows(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
            "WHERE table_schema IN ('ats', 'ops')"
        )
        assert len(tables) > 10
        for (table,) in tables:
            with (
                psycopg.connect(reader) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(f"SELECT 1 FROM {table}".encode())


def test_the_owner_can_migrate_an_empty_database(
    empty_database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with site(empty_database_url, tmp_path) as here, with_roles(shared_postgres, here):
        here.execute("ALTER ROLE syncd_owner LOGIN PASSWORD 'owner'")
        owner = empty_database_url.replace(f"postgres:{shared_postgres.password}@", "syncd_owner:owner@")
        result = here.run("db", "upgrade", DATABASE__URL=owner)
        assert (result.returncode, result.stderr) == (0, "")
        here.execute(here.run("db", "roles").stdout)  # now there are tables to grant
        writer = owner.replace("syncd_owner:owner@", "syncd_writer:writer@")
        assert here.run("sync", DATABASE__URL=writer).returncode == 0
        here.assert_complete()


def test_no_value_of_the_writer_is_in_postgres_log_though_it_logs_each_statement(
    database_url: str, shared_postgres: EmbeddedPostgres, postgres_log: Path, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here, with_roles(shared_postgres, here) as writer:
        here.execute(f"ALTER DATABASE {database_url.rpartition('/')[2]} SET log_min_duration_statement = 0")
        assert here.run("sync", DATABASE__URL=writer).returncode == 0
        for url, value in ((database_url, "canary of another"), (writer, "canary of the writer")):
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                connection.execute("SELECT %s::text", [value])
                with pytest.raises(psycopg.errors.DivisionByZero):
                    connection.execute("SELECT 1 / %s", [0 * len(value)])
        log = postgres_log.read_text()
        assert "canary of another" in log
        assert "canary of the writer" not in log
        emails = here.rows("SELECT email FROM ats.application_contact WHERE email IS NOT NULL")
        assert len(emails) > 5
        assert [email for (email,) in emails if email in log] == []
