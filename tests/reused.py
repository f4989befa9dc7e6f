"""Lets many tests use one clone of the migrated template. After each test the clone is emptied, or replaced if more has changed.

Emptying a clone takes less CPU time than creating and dropping one, and Postgres keeps what it has cached of its tables.
"""

from __future__ import annotations

import time

import psycopg

from tests.database import ServerAddress

# Deleted rows stay in the files of their tables until a vacuum. After this many tests, a new clone is cheaper.
_USES = 25

# Every change of a definition, a privilege or a setting adds, replaces or removes a row of these catalogs. VACUUM and
# ANALYZE change what pg_class and pg_statistic hold for the planner.
_CATALOGS = {
    "pg_class": "oid >= 16384",
    "pg_attribute": "attrelid >= 16384",
    "pg_statistic": "starelid >= 16384",
    "pg_constraint": "oid >= 16384",
    "pg_description": "objoid >= 16384",
    "pg_index": "indexrelid >= 16384",
    "pg_policy": "oid >= 16384",
    "pg_rewrite": "oid >= 16384",
    "pg_trigger": "oid >= 16384",
    "pg_proc": "oid >= 16384",
    "pg_type": "oid >= 16384",
    "pg_operator": "oid >= 16384",
    "pg_namespace": "true",
    "pg_extension": "true",
    "pg_event_trigger": "true",
    "pg_default_acl": "true",
    "pg_db_role_setting": "true",
    "pg_database": "datname = current_database()",
}
_SIZES = "SELECT (sum(relpages), sum(reltuples))::text FROM pg_class WHERE oid >= 16384"

_TABLES = "SELECT oid::regclass::text FROM pg_class WHERE oid >= 16384 AND relkind = 'r'"
_END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    """


class ReusedDatabase:
    """A database at the newest schema, without rows. Call `give_back` after each test."""

    def __init__(self, server: ServerAddress, *, name: str, template: str) -> None:
        self._server = server
        self._name = name
        self._template = template
        self._connection: psycopg.Connection | None = None

    def take(self) -> psycopg.Connection:
        """Returns a connection to the database, and creates the database if there is none."""
        if self._connection is None:
            with self._connect(self._server.maintenance_dbname) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)".encode())
                admin.execute(f"CREATE DATABASE {self._name} TEMPLATE {self._template}".encode())
            self._connection = self._connect(self._name)
            self._uses = 0
            tables = [table for (table,) in self._connection.execute(_TABLES)]
            seeded = [
                table
                for table in tables
                if self._connection.execute(f"TABLE {table} LIMIT 1".encode()).rowcount
            ]
            self._fingerprint = _fingerprint(seeded)
            self._new = self._connection.execute(self._fingerprint).fetchall()
            self._empty = _emptying([table for table in tables if table not in seeded])
        return self._connection

    def give_back(self) -> None:
        """Ends the sessions that the test has left, and deletes its rows. The next test gets a new clone if more has changed."""
        self._uses += 1
        try:
            as_new = self._uses < _USES and self._emptied()
        except psycopg.Error:  # the test has ended our session, or removed a table
            as_new = False
        if not as_new:
            self.close()

    def close(self) -> None:
        """Closes the connection; the next test gets a new clone."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _emptied(self) -> bool:
        connection = self.take()
        while connection.execute(_END_SESSIONS).fetchall():
            time.sleep(0.001)
        if connection.execute(self._fingerprint).fetchall() != self._new:
            return False
        connection.execute(self._empty)
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        server = self._server
        return psycopg.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            dbname=database,
            autocommit=True,
        )


def _fingerprint(seeded: list[str]) -> bytes:
    """Returns a query whose rows change with the catalogs, and with the tables that a migration fills."""
    versions = [
        f"SELECT (count(*), max(xmin::text::bigint))::text FROM {table} WHERE {ours}"
        for table, ours in (_CATALOGS | dict.fromkeys(seeded, "true")).items()
    ]
    return " UNION ALL ".join([*versions, _SIZES]).encode()


def _emptying(tables: list[str]) -> bytes:
    """Returns statements that delete all rows, without foreign keys and triggers, and restart the sequences."""
    return "; ".join(
        [
            "SET session_replication_role = replica",
            *(f"DELETE FROM {table}" for table in tables),
            "RESET session_replication_role",
            "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence",
        ]
    ).encode()
