"""The database that many tests use in turn is as new for each of them, whatever the test before has done."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.database import MIGRATED, ServerAddress
from tests.reused import ReusedDatabase

ROW = "INSERT INTO ops.cycle (client_id, trigger, version) VALUES ('c', 'command', '1') RETURNING cycle_id"
CHANGES = [
    "ALTER TABLE ats.media ADD COLUMN more text",
    "ALTER TABLE ats.media ALTER COLUMN mime_type SET NOT NULL",
    "DROP TABLE ats.chat_request",
    "CREATE SCHEMA more",
    "CREATE FUNCTION ats.more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE ats.mood AS ENUM ('sad')",
    "GRANT SELECT ON ats.media TO PUBLIC",
    "COMMENT ON COLUMN ats.media.state IS 'another text'",
    "CREATE OR REPLACE RULE nothing AS ON DELETE TO ats.media DO INSTEAD NOTHING",
    "CREATE POLICY everybody ON ats.media",
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
    "ALTER TABLE ats.media ENABLE ROW LEVEL SECURITY",
    "ALTER DATABASE reused_here SET datestyle = 'German'",
    "GRANT CREATE ON DATABASE reused_here TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "ANALYZE ops.alembic_version",
    "UPDATE ops.alembic_version SET version_num = 'newer'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'reused_here' AND pid <> pg_backend_pid()",
]


@pytest.fixture
def reused(postgres_address: ServerAddress) -> Iterator[ReusedDatabase]:
    database = ReusedDatabase(postgres_address, name="reused_here", template=MIGRATED)
    yield database
    database.close()


def connect(reused: ReusedDatabase) -> psycopg.Connection:
    own = reused.take()
    return psycopg.connect(own.info.dsn, password=own.info.password, autocommit=True)


def oid_of_database(reused: ReusedDatabase) -> int:
    ((oid,),) = reused.take().execute("SELECT oid::int FROM pg_database WHERE datname = current_database()")
    return int(oid)


def test_rows_sequences_and_sessions_are_gone_and_the_database_is_used_again(reused: ReusedDatabase) -> None:
    before = oid_of_database(reused)
    for _ in range(2):
        with connect(reused) as left:
            assert left.execute(ROW).fetchall() == [(1,)]
            left.execute("BEGIN; LOCK TABLE ops.cycle IN ACCESS EXCLUSIVE MODE")
            reused.give_back()
            assert reused.take().execute("SELECT FROM ops.cycle").fetchall() == []
            with pytest.raises(psycopg.OperationalError):
                left.execute("SELECT 1")
    assert oid_of_database(reused) == before


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_change_leads_to_a_new_database(change: str, reused: ReusedDatabase) -> None:
    before = oid_of_database(reused)
    with connect(reused) as connection:
        connection.execute(change.encode())
    reused.give_back()
    assert oid_of_database(reused) != before
