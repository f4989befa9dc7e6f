"""Other sessions are in a whole cycle's way: deadlocks, locks, serialization. It tries again, and every row comes once."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from syncd.sync.client_cycle import Ended
from tests.scene import Scene, scene
from tests.system.processes import eventually

CONFIG = SandboxConfig(profiles=10, media_per_profile=0.5)


def plain(database_url: str) -> psycopg.Connection:
    return psycopg.connect(database_url.replace("+psycopg", ""))


def waits(database_url: str) -> bool:
    """Whether syncd waits for a lock that somebody else has."""
    with plain(database_url) as observer:
        query = "SELECT 1 FROM pg_stat_activity WHERE starts_with(application_name, 'syncd') AND wait_event_type = 'Lock' "
        return bool(observer.execute(query + "AND datname = current_database()").fetchall())


def change_all(world: Scene) -> list[str]:
    """Let every application change; the ids, sorted as syncd sorts them."""
    ids = sorted(str(profile["profileId"]) for profile in world.sandbox.expected())
    for profile_id in ids:
        world.sandbox.change_profile(profile_id)
    return ids


def test_a_cycle_deadlocked_with_another_session_is_the_one_to_give_way_and_finishes(
    database_url: str, tmp_path: Path
) -> None:
    """The other session has the last application and then wants the first one, which the cycle has changed already."""
    with scene(database_url, tmp_path / "m", config=CONFIG) as world, plain(database_url) as other:
        assert world.cycle().outcome is Outcome.OK
        ids = change_all(world)
        touch = "UPDATE ats.application SET profile_id = profile_id WHERE profile_id = %s"
        other.execute(touch, (ids[-1],))
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        before = world.value(deadlocks)
        ended: list[Ended] = []
        thread = threading.Thread(target=lambda: ended.append(world.cycle()))
        thread.start()
        try:
            eventually(lambda: waits(database_url), "the cycle waits for the other session")
            other.execute(touch, (ids[0],))
            other.commit()
        finally:
            other.rollback()
            thread.join()
        assert ended[0].outcome is Outcome.OK
        assert eventually(lambda: world.value(deadlocks) - before, "the statistics tell of it") >= 1
        assert world.value("SELECT count(*) FROM ats.application WHERE revision = 2") == len(ids)
        world.assert_complete()


def brought_over(world: Scene) -> None:
    """Run cycles until one ends well. Where nobody ever lets it commit, one ends early, and says why."""
    for _ in range(20):
        ended = world.cycle()
        if ended.outcome is Outcome.OK:
            return
        assert "other transactions keep blocking (SQLSTATE 40001)" in str(ended.error)
    raise AssertionError("no cycle ends well")


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_where_the_database_isolates_strictly_each_change_comes_once(
    isolation: str, database_url: str, tmp_path: Path
) -> None:
    name = database_url.rpartition("/")[2]
    with plain(database_url) as admin:
        admin.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{isolation}'".encode())
    with scene(database_url, tmp_path / "m", config=CONFIG, batch_size=3, lease_ttl=0.3) as world:
        stop = threading.Event()

        def disturb() -> None:
            """What an ATS may do: read everything and write to what is its own, beside the cycle."""
            while not stop.wait(0.2):
                with suppress(psycopg.errors.SerializationFailure), plain(database_url) as other:
                    other.autocommit = True
                    other.execute("SELECT count(*) FROM ats.application")
                    other.execute("UPDATE ats.job SET origin = origin")

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            for _ in range(3):
                brought_over(world)
                world.sandbox.add_profiles(10)
                change_all(world)
            brought_over(world)
        finally:
            stop.set()
            thread.join()
        world.assert_complete()
