"""A process that was frozen, or whose host is gone: its client is taken over, and it confirms and asks for nothing any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, LeaseHeld, LeaseLost, ListTooOld
from syncd.sandbox import Fault, SandboxConfig
from syncd.store import leases
from syncd.store.database import Database
from syncd.store.engine import make_engine
from syncd.store.leases import Lease
from syncd.sync.client_cycle import Ended
from syncd.sync.lease_keeper import LeaseKeeper
from tests.integration.settling import CONFIRM, LIST, calls
from tests.scene import Scene, scene
from tests.system.processes import eventually

pytestmark = pytest.mark.slow

CONFIG = SandboxConfig(profiles=3, media_per_profile=0.0)


@contextmanager
def session(database_url: str) -> Iterator[Connection]:
    """A session of syncd's, in no transaction yet."""
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def taken_by_another(database_url: str) -> Iterator[tuple[Lease, Connection, LeaseKeeper]]:
    """A lease that has run out, a session of its holder in the middle of a transaction, and who wants the lease."""
    with (
        Database(database_url) as database,
        LeaseKeeper(database, ttl=60.0) as keeper,
        session(database_url) as frozen,
    ):
        taken = database.transact(lambda c: leases.acquire(c, "acme", "frozen", ttl=0.0), Deadline(5))
        assert taken
        frozen.begin()
        yield taken, frozen, keeper
        frozen.invalidate()


@pytest.mark.parametrize(("on", "path"), [("profiles", LIST), ("confirm", CONFIRM)])
@pytest.mark.parametrize("fault", [{"retry_after": "1"}, {"status": 401}])
def test_nothing_is_asked_or_confirmed_again_after_the_lease_was_lost_between_two_tries(
    on: str, path: str, fault: dict[str, object], database_url: str, tmp_path: Path
) -> None:
    """Be it that PitchYou was busy, or that it wanted another token, for which there may be a long wait."""
    with scene(database_url, tmp_path, config=CONFIG) as s:
        s.sandbox.inject(Fault(on, "status", **fault))  # type: ignore[arg-type]  # of different types
        if "status" in fault:
            s.sandbox.inject(Fault("token", "status", retry_after="1", after=1))
        ended: list[Ended] = []
        cycle = threading.Thread(target=lambda: ended.append(s.cycle()))
        cycle.start()
        eventually(lambda: calls(s, path), "the first try")
        s.execute("UPDATE ops.lease SET fence = fence + 1, holder = 'another host/1'")
        cycle.join()
        assert isinstance(ended[0].error, LeaseLost)
        assert len(calls(s, path)) == 1


@pytest.mark.long
def test_a_lease_that_has_run_out_is_taken_though_its_holder_stands_still_in_the_middle_of_a_copy(
    database_url: str,
) -> None:
    with taken_by_another(database_url) as (taken, frozen, keeper):
        leases.require(frozen, taken)
        driver = frozen.connection.driver_connection
        assert driver
        with (  # noqa: PT012 - it is the end of the COPY that fails
            pytest.raises(psycopg.OperationalError, match="terminating connection"),
            driver.cursor() as cursor,
            cursor.copy("COPY ats.client (client_id) FROM STDIN") as copy,
        ):
            copy.write_row(("acme",))
            assert keeper.hold("acme").fence == taken.fence + 1


@pytest.mark.long
def test_a_lease_that_has_run_out_is_taken_though_its_holder_stands_still_in_the_middle_of_a_renewal(
    database_url: str,
) -> None:
    with taken_by_another(database_url) as (taken, frozen, keeper):
        assert leases.renew(frozen, taken, ttl=60.0)
        assert keeper.hold("acme").fence == taken.fence + 1


def test_a_lease_is_renewed_in_the_middle_of_a_long_transaction_under_it_and_taken_by_nobody(
    database_url: str,
) -> None:
    with Database(database_url) as database, session(database_url) as working:
        lease = database.transact(lambda c: leases.acquire(c, "acme", "us", ttl=60.0), Deadline(5))
        assert lease
        with working.begin():
            leases.require(working, lease)
            assert database.transact(lambda c: leases.renew(c, lease, ttl=60.0), Deadline(5))
            assert database.transact(lambda c: leases.renew(c, lease, ttl=-1.0), Deadline(5))
            with pytest.raises(DatabaseUnavailable, match="other transactions keep blocking"):
                database.transact(_taken_impatiently, Deadline(2))
            database.transact(lambda c: leases.end_stuck_transactions(c, "acme"), Deadline(5))
            leases.require(working, lease)  # a session that works is left alone
        assert database.transact(_taken_impatiently, Deadline(5)) == lease.fence + 1


def _taken_impatiently(connection: Connection) -> int:
    connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
    lease = leases.acquire(connection, "acme", "another", ttl=60.0)
    assert lease
    return lease.fence


def test_whoever_stands_by_does_not_wait_for_the_transactions_of_a_living_holder(database_url: str) -> None:
    with (
        Database(database_url) as database,
        LeaseKeeper(database, ttl=60.0) as keeper,
        LeaseKeeper(database, ttl=60.0) as other,
        session(database_url) as working,
    ):
        lease = keeper.hold("acme")
        with working.begin():
            leases.require(working, lease)
            began = time.monotonic()
            with pytest.raises(LeaseHeld):
                other.hold("acme")
            assert time.monotonic() - began < 5


@pytest.mark.parametrize(("holder", "fence"), [("somebody else", 0), ("holder", -1), ("holder", 1)])
def test_a_lease_is_renewed_and_released_by_its_own_holder_only(
    holder: str, fence: int, database_url: str
) -> None:
    """The fence alone does not tell: a database that was restored counts its fences again."""
    with session(database_url) as connection, connection.begin():
        lease = leases.acquire(connection, "acme", "holder", ttl=60.0)
        assert lease
        before = connection.execute(text("SELECT expires_at, fence FROM ops.lease")).one()
        stranger = Lease("acme", holder, lease.fence + fence)
        assert not leases.renew(connection, stranger, ttl=600.0)
        leases.release(connection, stranger)
        assert connection.execute(text("SELECT expires_at, fence FROM ops.lease")).one() == before
        assert not leases.renew(connection, Lease("other", "holder", lease.fence), ttl=600.0)
        assert leases.renew(connection, lease, ttl=600.0)
        assert leases.holder_of(connection, "acme") == "holder"
        leases.release(connection, lease)
        assert leases.holder_of(connection, "acme") is None


def test_a_lease_counts_for_its_own_client_and_fence_only(database_url: str) -> None:
    with session(database_url) as connection, connection.begin():
        mine = leases.acquire(connection, "acme", "holder", ttl=60.0)
        other = leases.acquire(connection, "other", "holder", ttl=60.0)
        assert mine == Lease("acme", "holder", 1)
        assert other == Lease("other", "holder", 1)
        connection.execute(text("UPDATE ops.lease SET fence = 2 WHERE client_id = 'acme'"))
        for lost in (mine, Lease("nobody", "holder", 1), Lease("acme", "holder", 3)):
            for require in (leases.require, leases.require_now):
                with pytest.raises(LeaseLost, match=f"client '{lost.client_id}'"):
                    require(connection, lost)
        now = leases.require_now(connection, other)
        assert abs(now - time.time()) < 60
        leases.require(connection, other)


def test_a_lease_is_taken_from_nobody_but_the_dead_and_each_time_with_the_next_fence(
    database_url: str,
) -> None:
    with session(database_url) as connection, connection.begin():

        def taken(holder: str, abandoned: str | None = None, ttl: float = 60.0) -> int | None:
            lease = leases.acquire(connection, "acme", holder, ttl=ttl, abandoned=abandoned)
            return lease.fence if lease else None

        assert leases.acquire(connection, "other", "b", ttl=60.0)
        assert taken("a") == 1
        assert taken("b") is None
        assert taken("b", abandoned="c") is None
        assert leases.holder_of(connection, "acme") == "a"
        # The reply to the first COMMIT may have been lost.
        assert taken("a") == 2
        assert taken("b", abandoned="a", ttl=0.0) == 3
        assert leases.holder_of(connection, "acme") is None
        assert taken("c") == 4
        assert leases.holder_of(connection, "acme") == "c"
        assert leases.holder_of(connection, "other") == "b"


def let_postgres_clock_leap(s: Scene, hours: int) -> None:
    """In this database, in sessions from now on: a function of ours takes the place of Postgres' own."""
    for statement in (
        "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO true_clock_timestamp",
        "CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
        f"$$ SELECT pg_catalog.true_clock_timestamp() + interval '{hours} hours' $$",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, 'syncd') "
        "AND datname = current_database() AND pid != pg_backend_pid()",
    ):
        s.execute(statement)


def test_a_machine_that_slept_in_the_middle_of_a_cycle_confirms_nothing_by_the_list_from_before(
    database_url: str, tmp_path: Path
) -> None:
    """Its own clock stood still. What has come to PitchYou meanwhile nobody here has seen."""
    config = SandboxConfig(profiles=2, media_per_profile=1.0, media_size=1000)
    with scene(database_url, tmp_path, config=config, media_concurrency=1) as s:
        s.sandbox.inject(Fault("media", "slow", seconds_per_byte=0.003))
        ended: list[Ended] = []
        cycle = threading.Thread(target=lambda: ended.append(s.cycle(cycle_deadline=60.0)))
        cycle.start()
        eventually(lambda: s.value("SELECT count(*) FROM ats.application") == 2, "the list is landed")
        let_postgres_clock_leap(s, 26)
        cycle.join()
        assert isinstance(ended[0].error, ListTooOld)
        assert not [each for each in s.sandbox.ledger.confirms if each.ids]
        assert s.cycle(cycle_deadline=60.0).tally.confirmed == 2
        s.assert_complete()
