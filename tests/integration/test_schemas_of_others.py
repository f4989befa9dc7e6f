"""Schemas that an administrator or another application has made: used if they are empty, named and left alone otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from syncd.errors import DatabaseUnavailable, Refused
from syncd.store import migrate


@contextmanager
def admin_of(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@contextmanager
def login_without_rights(admin: psycopg.Connection, url: str) -> Iterator[tuple[sql.Identifier, str]]:
    """A login that may not create schemas, and the URL with it."""
    name = f"owner_of_{admin.info.dbname}"
    role = sql.Identifier(name)
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'geheim'").format(role))
    try:
        yield role, f"postgresql+psycopg://{name}:geheim@{url.rpartition('@')[2]}"
    finally:
        admin.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def test_empty_schemas_that_an_administrator_made_are_used_and_left_in_place(empty_database_url: str) -> None:
    with (
        admin_of(empty_database_url) as admin,
        login_without_rights(admin, empty_database_url) as (role, url),
    ):
        with pytest.raises(Refused, match="may not create schema 'ops'"):
            migrate.upgrade(url)
        admin.execute("CREATE SCHEMA ats; CREATE SCHEMA ops; CREATE SCHEMA report; CREATE SCHEMA report_data")
        # Rights that are granted in advance are no content.
        admin.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA report GRANT SELECT ON TABLES TO PUBLIC")
        with pytest.raises(Refused, match="Run GRANT USAGE, CREATE ON SCHEMA ops"):
            migrate.upgrade(url)
        admin.execute(
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA ats, ops, report, report_data TO {}").format(role)
        )
        migrate.upgrade(url)
        migrate.downgrade(url, "base")
        found = admin.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('ats', 'ops', 'report', 'report_data')"
        )
        assert len(found.fetchall()) == 4
        migrate.upgrade(url)


@pytest.mark.parametrize(
    ("schema", "statement", "named"),
    [
        ("report", "CREATE VIEW report.sales AS SELECT 1 AS x", "view report.sales"),
        ("report", "CREATE FUNCTION report.f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "report.f("),
        ("ats", "CREATE TYPE ats.mood AS ENUM ('sad')", "type ats.mood"),
        ("ats", "CREATE TABLE ats.job (theirs int)", "table ats.job"),
        ("ops", "CREATE SEQUENCE ops.number", "sequence ops.number"),
    ],
)
def test_what_others_have_in_a_schema_is_named_and_left_alone(
    schema: str, statement: str, named: str, empty_database_url: str
) -> None:
    with admin_of(empty_database_url) as admin:
        admin.execute(f"CREATE SCHEMA {schema}".encode())
        admin.execute(statement.encode())
        with pytest.raises(Refused) as caught:
            migrate.upgrade(empty_database_url)
        assert f"schema '{schema}' exists and contains" in str(caught.value)
        assert named in str(caught.value)
        found = admin.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('ats', 'ops', 'report', 'report_data')"
        )
        assert found.fetchall() == [(schema,)]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_refused_before_anything_is_made(
    encoding: str, empty_database_url: str
) -> None:
    name = sql.Identifier(f"{empty_database_url.rpartition('/')[2]}_{encoding.lower()}")
    url = f"{empty_database_url.rpartition('/')[0]}/{name.as_string().strip(chr(34))}"
    create = (
        "CREATE DATABASE {} ENCODING {} TEMPLATE template0 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    with admin_of(empty_database_url) as admin:
        admin.execute(sql.SQL(create).format(name, sql.Literal(encoding)))
        try:
            with pytest.raises(Refused, match=f"encoding is {encoding}"):
                migrate.upgrade(url)
            with admin_of(url) as other:
                assert other.execute("SELECT to_regnamespace('ops')").fetchone() == (None,)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_a_migration_names_the_session_that_keeps_it_waiting(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", "SET LOCAL lock_timeout = '100ms'")
    migrate.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as reader:
        reader.execute("SELECT count(*) FROM ats.application")
        with pytest.raises(DatabaseUnavailable) as caught:
            migrate.downgrade(empty_database_url, "base")
        assert f"{reader.info.backend_pid} of role 'postgres'" in str(caught.value)
        reader.rollback()
    with admin_of(empty_database_url) as admin:
        assert admin.execute("SELECT version_num FROM ops.alembic_version").fetchone() == (migrate.head(),)
