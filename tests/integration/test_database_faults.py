"""What Postgres may answer in the middle of a transaction, and that the whole transaction is then tried again."""

from __future__ import annotations

import io
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, LeaseHeld, Stopped
from syncd.model import Outcome
from syncd.store.database import CONFLICT_ATTEMPTS, Database
from syncd.store.outage import Outage
from tests.scene import scene
from tests.system.processes import eventually
from tests.unit.log_lines import logging_to


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        opened.transact(
            lambda c: c.execute(
                text("CREATE TABLE public.counter AS SELECT 1 AS id, 0 AS n UNION SELECT 2, 0")
            ),
            Deadline(10),
        )
        yield opened


def counted(database: Database) -> list[int]:
    found = database.transact(
        lambda c: c.execute(text("SELECT n FROM public.counter ORDER BY id")).scalars().all(), Deadline(10)
    )
    return list(found)


def add_one(connection: Connection, row: int) -> None:
    connection.execute(text("UPDATE public.counter SET n = n + 1 WHERE id = :id"), {"id": row})


@contextmanager
def plain(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        yield connection


def test_a_deadlock_is_retried_and_both_transactions_are_applied_once(database: Database) -> None:
    both_hold_one = threading.Barrier(2, timeout=10)
    attempts = [0, 0]

    def crossing(number: int, first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            attempts[number] += 1
            add_one(connection, first)
            if attempts[number] == 1:
                both_hold_one.wait()
            add_one(connection, second)

        database.transact(work, Deadline(30))

    other = threading.Thread(target=crossing, args=(1, 2, 1))
    other.start()
    crossing(0, 1, 2)
    other.join()
    assert counted(database) == [2, 2]
    assert sum(attempts) == 3


def test_a_serialization_failure_is_retried(database: Database, database_url: str) -> None:
    attempts = 0

    def behind_another(connection: Connection) -> None:
        nonlocal attempts
        connection.execute(text("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ"))
        connection.execute(text("SELECT * FROM public.counter"))
        attempts += 1
        if attempts == 1:
            with plain(database_url) as meanwhile:
                meanwhile.execute("UPDATE public.counter SET n = n + 1 WHERE id = 1")
        add_one(connection, 1)

    database.transact(behind_another, Deadline(30))
    assert counted(database) == [2, 0]
    assert attempts == 2


@pytest.mark.parametrize(
    ("setting", "sqlstate"),
    [("lock_timeout", "55P03"), ("statement_timeout", "57014")],
)
def test_a_timeout_behind_a_lock_is_retried_until_the_lock_is_gone(
    database: Database, database_url: str, setting: str, sqlstate: str
) -> None:
    seen: list[str] = []
    with plain(database_url) as blocker:
        blocker.execute("UPDATE public.counter SET n = n + 10 WHERE id = 1")

        def work(connection: Connection) -> None:
            connection.execute(text(f"SET LOCAL {setting} = '100ms'"))
            if len(seen) == 2:
                blocker.commit()
            try:
                add_one(connection, 1)
            except DBAPIError as error:
                seen.append(error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else "?")  # type: ignore[arg-type]  # psycopg's may be None
                raise

        database.transact(work, Deadline(30))
    assert seen == [sqlstate, sqlstate]
    assert counted(database) == [11, 0]


def test_a_session_that_postgres_ended_for_idling_in_a_transaction_is_replaced(
    database: Database, database_url: str
) -> None:
    pids: set[int] = set()

    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        pids.add(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        add_one(connection, 1)
        if len(pids) == 1:
            eventually(lambda: not alive(next(iter(pids))), "Postgres has ended the session", 10)

    def alive(pid: int) -> bool:
        with plain(database_url) as other:
            return bool(other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchall())

    database.transact(work, Deadline(30))
    assert len(pids) == 2
    assert counted(database) == [1, 0]


def test_a_lock_that_is_never_given_up_ends_with_a_clear_error(database: Database, database_url: str) -> None:
    attempts = 0

    def work(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        connection.execute(text("SET LOCAL lock_timeout = '20ms'"))
        add_one(connection, 1)

    with plain(database_url) as blocker:
        blocker.execute("UPDATE public.counter SET n = n + 10 WHERE id = 1")
        with pytest.raises(DatabaseUnavailable, match=r"other transactions keep blocking \(SQLSTATE 55P03\)"):
            database.transact(work, Deadline(30))
    assert attempts == CONFLICT_ATTEMPTS


def test_a_commit_of_an_aborted_transaction_is_not_believed(database: Database) -> None:
    def work(connection: Connection) -> None:
        add_one(connection, 1)
        driver = connection.connection.driver_connection
        assert driver is not None
        with pytest.raises(psycopg.errors.DivisionByZero):
            driver.execute(
                "SELECT 1 / 0"
            )  # SQLAlchemy does not see this, and Postgres answers COMMIT with ROLLBACK

    with pytest.raises(DatabaseUnavailable, match="aborted before its commit"):
        database.transact(work, Deadline(10))
    assert counted(database) == [0, 0]


def test_a_session_with_synchronous_commit_off_still_waits_for_the_disk(
    database: Database, database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    with plain(database_url) as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
    with Database(database_url) as fresh:
        show = text("SHOW synchronous_commit")
        assert fresh.transact(lambda c: c.execute(show).scalar(), Deadline(10)) == "on"
    with plain(database_url) as admin:
        assert admin.execute("SHOW synchronous_commit").fetchall() == [("off",)]


def test_waiting_for_a_server_that_is_away_ends_with_the_deadline_and_with_a_stop() -> None:
    stop = threading.Event()
    with Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing") as away:
        with pytest.raises(DatabaseUnavailable, match="nothing listens at the address"):
            away.transact(lambda c: None, Deadline(30), patience=0.3)
        for limit in (
            Deadline(0.3),
            Deadline(60, clock=partial(next, itertools.count(step=40))),
        ):  # as if frozen
            with pytest.raises(DatabaseUnavailable, match="nothing listens at the address"):
                away.transact(lambda c: None, limit)
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(Stopped):
            away.transact(lambda c: None, Deadline(30, stop=stop))


def test_a_cycle_goes_on_when_its_sessions_are_ended_again_and_again(
    database_url: str, tmp_path: Path
) -> None:
    ended, sessions = threading.Event(), 0

    def end_sessions() -> None:
        nonlocal sessions
        took = 0.0  # to connect and do something: on a busy machine work needs longer between two ends
        while not ended.wait(max(0.05, 4 * took)):
            began = time.monotonic()
            with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as admin:
                sessions += admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE starts_with(application_name, 'syncd') AND datname = current_database()"
                ).rowcount
            took = time.monotonic() - began

    with scene(database_url, tmp_path / "media", batch_size=5, confirm_batch=3) as here:
        thread = threading.Thread(target=end_sessions)
        thread.start()
        try:
            for _ in range(3):
                here.sandbox.add_profiles(20)
                result = here.cycle()
                assert result.outcome is Outcome.OK, result.error
        finally:
            ended.set()
            thread.join()
        assert sessions > 6
        here.assert_complete()


def test_postgres_counts_as_writable_again_when_another_has_taken_the_client_that_it_held_up(
    database_url: str, tmp_path: Path
) -> None:
    stream = io.StringIO()
    with (
        logging_to(stream, "json", "info"),
        scene(database_url, tmp_path) as s,
        plain(database_url) as other,
    ):
        other.autocommit = True
        s.cycle()
        s.sandbox.add_profiles(1)
        name = other.info.dbname
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        s.outsides.database.close()  # its next connections are read-only
        assert isinstance(s.cycle().error, DatabaseUnavailable)
        other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        s.outsides.database.close()
        s.outsides.keeper.drop(s.client.plan.client_id)
        other.execute(
            "UPDATE ops.lease SET holder = 'another host/1', expires_at = now() + interval '1 hour'"
        )
        with pytest.raises(LeaseHeld):
            s.cycle()
        s.value("SELECT 1")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert [event for event in events if event.startswith("database_")] == [
        "database_unavailable",
        "database_available",
    ]


def outages(stream: io.StringIO) -> list[tuple[str, str | None]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [(line["event"], line.get("reason")) for line in lines if line["event"].startswith("database_")]


def end_own_session(connection: Connection) -> None:
    connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_one_session_that_is_ended_is_no_outage(database: Database) -> None:
    stream, attempts = io.StringIO(), 0

    def work(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            end_own_session(connection)
        add_one(connection, 1)

    with logging_to(stream, "json", "info"):
        database.transact(work, Deadline(30))
    assert attempts == 2
    assert counted(database) == [1, 0]
    assert outages(stream) == []


def test_a_read_only_database_is_reported_as_such_even_if_it_ended_the_session_first(
    database: Database, database_url: str
) -> None:
    stream, attempts = io.StringIO(), 0

    def work(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            end_own_session(connection)
        add_one(connection, 1)

    with plain(database_url) as admin:
        admin.autocommit = True
        admin.execute(f"ALTER DATABASE {admin.info.dbname} SET default_transaction_read_only = on".encode())
    with (
        logging_to(stream, "json", "info"),
        pytest.raises(DatabaseUnavailable, match=r"Postgres cannot write \(SQLSTATE 25006\)"),
    ):
        database.transact(work, Deadline(30))
    assert attempts == 2
    assert outages(stream) == [("database_unavailable", "Postgres is read-only (SQLSTATE 25006)")]


def test_an_outage_whose_cause_turns_out_to_be_a_read_only_server_is_logged_with_that_cause_as_well() -> None:
    stream, outage = io.StringIO(), Outage()
    with logging_to(stream, "json", "info"):
        for _ in range(2):
            outage.note_failure("SQLSTATE 57P03")
        for _ in range(2):
            outage.note_failure("Postgres is read-only (SQLSTATE 25006)", read_only=True)
        outage.note_failure("SQLSTATE 57P03")
        outage.note_cycle("acme", None)
        outage.note_success(outage.count)
    assert outages(stream) == [
        ("database_unavailable", "SQLSTATE 57P03"),
        ("database_unavailable", "Postgres is read-only (SQLSTATE 25006)"),
        ("database_available", None),
    ]
