"""docs/schema.md says what the tables are, which columns hold personal data, who may read them, and how to query them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, create_engine

from syncd.sandbox import SandboxConfig
from syncd.sandbox.config import Tenant
from syncd.store.tables import metadata
from tests.pages import blocks
from tests.scene import scene
from tests.system.processes import Site, site

PAGE = (Path(__file__).parents[2] / "docs" / "schema.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| (yes|no) \| (\S.*) \|$", re.MULTILINE)
ROLES = "".join(block for block in blocks("schema.md", "sql") if block.startswith("CREATE ROLE"))
QUERIES = [block for block in blocks("schema.md", "sql") if block.startswith("SELECT")]
# Columns that hold no text of a profile: keyed hashes, answers that many gave alike, decisions, and the names of recruiters.
NOT_OF_PROFILES = {
    ("ats.outcome", "stage"),
    ("ats.outcome", "occurred_on"),
    ("ats.application", "person_key"),
    ("report_data.application", "person_key"),
    ("report_data.option", "option"),
    ("ats.job", "recruiter"),
    ("ats.chat_request", "recruiter_name"),
    ("ats.chat_request", "requested_by"),
}


def documented() -> dict[str, tuple[str, list[tuple[str, str, str, str]]]]:
    """For each table, its text and its rows: column, type, whether it is personal, and the meaning without links."""
    found = {}
    for section in re.split(r"^(?=#+ )", PAGE, flags=re.MULTILINE):
        if match := re.match(r"### (\w+\.\w+)\n\n(.+?)\n\n", section, re.DOTALL):
            name, words = match.groups()
            rows = ROW.findall(re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", section))
            assert len(rows) == section.count("\n| `"), name
            found[name] = (" ".join(words.split()), rows)
    return found


def personal() -> set[tuple[str, str]]:
    return {
        (table, column)
        for table, (_, rows) in documented().items()
        for column, _, personal, _ in rows
        if personal == "yes"
    }


def test_tables_and_their_meaning_are_those_of_the_code() -> None:
    dialect = create_engine("postgresql+psycopg://").dialect

    def row(column: Column[Any]) -> tuple[str, str, str, str]:
        kind = column.type.compile(dialect=dialect).lower().replace("timestamp with time zone", "timestamptz")
        kind += ", key" if column.primary_key else ", null" if column.nullable else ""
        meaning = (column.comment or "").removesuffix(" Personal data.")
        return column.name, kind, "no" if meaning == column.comment else "yes", meaning

    in_code = {
        name: (table.comment, [row(column) for column in table.columns])
        for name, table in metadata.tables.items()
    }
    assert documented() == in_code


def test_list_of_personal_data_names_the_columns_that_are_marked() -> None:
    section = PAGE.partition("## Personal data")[2].partition("\n## ")[0]
    listed = {
        (table, column)
        for table, columns in re.findall(r"^\| `(\w+\.\w+)` \| ([^|]+) \|", section, re.MULTILINE)
        for column in re.findall(r"`(\w+)`", columns)
    }
    assert listed == personal()


def test_what_applicants_say_lands_in_the_columns_that_are_marked_as_personal_and_nowhere_else(
    database_url: str, tmp_path: Path
) -> None:
    person = (
        b'{"profileId": "P-1", "externalReferenceId": "J-1", "utmSource": "indeed", "createdAt": "2026-11-02T10:00:00Z", '
        b'"firstName": "CANARY", "lastName": "CANARY", "email": "CANARY", "phone": "CANARY", "hobby": "CANARY", '
        b'"steps": [{"question": "CANARY?", "answer": ["CANARY"], "mood": "CANARY", "media": {"mediaId": "M-1", '
        b'"mimeType": "text/plain", "fileName": "CANARY.txt", "downloadUri": "https://x/CANARY"}}]}'
    )
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=0)) as s:
        s.sandbox.put_raw_profile(person)
        s.sandbox.put_raw_profile(b'{"profileId": "P-2", "firstName": "CANARY", "steps": "CANARY"}')
        s.cycle()
        found = {
            (table.fullname, column.name)
            for table in metadata.tables.values()
            for column in table.columns
            if s.value(f"SELECT count(*) FROM {table.fullname} t WHERE {shown(column)} LIKE '%CANARY%'")
        }
    assert found == personal() - NOT_OF_PROFILES


def shown(column: Column[Any]) -> str:
    name = f't."{column.name}"'
    return f"encode({name}, 'escape')" if column.type.python_type is bytes else f"{name}::text"


@pytest.fixture
def roles(database_url: str) -> Iterator[str]:
    """The page's roles, in this database; they belong to the whole server, so they are dropped at the end."""
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(ROLES.encode())
        yield database_url
        connection.execute("DROP OWNED BY analyst, recruiting, anna; DROP ROLE analyst, recruiting, anna")


@pytest.fixture
def two_tenants(roles: str, tmp_path: Path) -> Iterator[Site]:
    """Two clients with the same ids and other content."""
    config = SandboxConfig(
        profiles=40, tenants=(Tenant("globex", "also-secret", 40),), media_late=0.3, media_late_tries=1000
    )
    with site(roles, tmp_path, config) as here:
        here.run("sync")
        for client, source in (("acme", "indeed"), ("acme", "plakat"), ("globex", "indeed")):
            link = here.run("apply-link", "--client", client, "--job", "LG-10233", "--utm-source", source)
            assert link.returncode == 0, link.stderr
        yield here


def test_every_query_finds_for_two_tenants_what_it_finds_for_each_alone(two_tenants: Site) -> None:
    """Row-level security shows one tenant's rows only; a query that merges tenants finds something else without it."""
    for table in (name for name, each in metadata.tables.items() if "client_id" in each.columns):
        two_tenants.execute(
            f"CREATE POLICY one ON {table} USING (client_id = ANY (string_to_array(current_setting('test.clients'), ',')))"
        )
        two_tenants.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    assert len(QUERIES) == 8
    for query in QUERIES:
        both, acme, globex = (
            found_by(two_tenants, query, clients) for clients in ("acme,globex", "acme", "globex")
        )
        assert acme, query
        assert globex, query
        assert sorted(map(repr, both)) == sorted(map(repr, acme + globex)), query


@contextmanager
def as_role(url: str, role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"SET ROLE {role}".encode())
        yield connection


def found_by(here: Site, query: str, clients: str) -> list[tuple[Any, ...]]:
    with as_role(here.database_url, "recruiting") as connection:
        connection.execute("SELECT set_config('test.clients', %s, false)", [clients])
        # One moment for all, so that ages are equal.
        return connection.execute(query.replace("now()", "timestamptz '2027-01-01'").encode()).fetchall()


def is_refused(connection: psycopg.Connection, query: str) -> bool:
    try:
        connection.execute(query.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_an_analyst_may_read_all_that_is_not_personal_and_recruiting_may_read_all(roles: str) -> None:
    wholly = {"ats.application_contact", "ats.answer", "ats.application_raw"} | {
        name for name in metadata.tables if name.startswith("ops.")
    }
    private = {"ops.secret"} | {name for name in metadata.tables if name.startswith("report_data.")}
    with as_role(roles, "anna") as anna, as_role(roles, "recruiting") as recruiting:
        for table, (_, rows) in documented().items():
            for column, _, personal, _ in rows:
                query = f'SELECT "{column}" FROM {table} LIMIT 1'
                if table in private:
                    assert is_refused(anna, query), query
                    assert is_refused(recruiting, query), query
                    continue
                assert is_refused(anna, query) == (personal == "yes" or table in wholly), query
                assert not is_refused(recruiting, query), query
        examples = re.findall(r"`(SELECT [^`]+)` (?:and|fail)", PAGE)
        assert [is_refused(anna, example) for example in examples] == [True, True]
        for role in (anna, recruiting):
            assert is_refused(role, "DELETE FROM ats.attachment")
        assert not is_refused(anna, QUERIES[1])
