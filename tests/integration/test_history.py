"""What remains of a cycle: the state of its client, and a row only if there is something to tell."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from syncd.store import cycles, migrate, status
from syncd.store.cycles import PRUNED_AT_ONCE, Tally
from syncd.store.database import Database
from syncd.sync.client_cycle import run_once
from syncd.sync.work import Work
from tests.scene import Scene, scene
from tests.system.processes import eventually, site

CLIENT = "acme"
HEALTH = "SELECT client_id, last_ok_local, last_outcome, last_error, cycles_24h, failed_24h, unconfirmed FROM report.sync_health"
DAYS = 90


def rows(world: Scene) -> list[tuple[str, int]]:
    """Outcome and number of new applications of each row, in order."""
    found = world.rows("SELECT outcome, new FROM ops.cycle ORDER BY cycle_id")
    return [(row["outcome"], row["new"]) for row in found]


def state(world: Scene) -> dict[str, Any]:
    (row,) = world.rows("SELECT * FROM ops.client_state")
    return row


def test_a_cycle_gets_a_row_if_it_did_something_failed_or_ended_otherwise_than_the_one_before(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=5)) as world:
        expected = [("ok", 5)]
        for _ in range(4):
            world.cycle()
            assert rows(world) == expected
        assert [row["cycle_gap_seconds"] for row in world.rows("SELECT * FROM ats.client")] == [60]
        idle = state(world)
        assert (idle["is_running"], idle["last_outcome"], sum(idle["cycles_by_hour"])) == (False, "ok", 4)
        assert idle["last_busy_at"] < idle["last_good_at"] == idle["last_finished_at"]
        assert (idle["new"], idle["http_calls"]) == (0, 1)
        world.sandbox.inject(Fault("profiles", "status", status=403, times=2))
        for count in (1, 2):
            world.cycle()
            expected.append(("failed", 0))
            assert (rows(world), state(world)["failures"]) == (expected, count)
        failed = state(world)
        assert failed["last_good_at"] == idle["last_good_at"]
        assert failed["last_error_message"] == "PitchYou refused the list of profiles with HTTP 403"
        world.cycle()
        expected.append(("ok", 0))
        assert (rows(world), state(world)["failures"]) == (expected, 0)
        # A list may contain the same bad profile each time.
        world.sandbox.put_raw_profile(b'{"profileId": "broken", "steps": 7}')
        world.cycle()
        expected.append(("partial", 0))
        world.cycle()
        assert (rows(world), state(world)["quarantined"]) == (expected, 1)
        world.sandbox.put_raw_profile(b'{"profileId": "broken too", "steps": 7}')
        world.cycle()
        assert rows(world) == [*expected, ("partial", 0)]


def test_a_running_cycle_is_shown_and_one_that_died_is_told_by_the_next(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=5)) as world:
        transact = partial(world.outsides.database.transact, deadline=Deadline(30))
        seen: list[tuple[Any, ...]] = []

        def look(_work: Work) -> None:
            (one,) = transact(lambda c: status.of_clients(c, [CLIENT]))
            beating = world.value("SELECT heartbeat_at > last_started_at FROM ops.client_state")
            seen.append((one.last_outcome, one.last_error, beating))

        run_once(world.client, world.outsides, trigger="command", stop=world.stop, progress=look)
        assert ("running", None, True) in seen
        assert set(seen) <= {("running", None, True), ("running", None, False), ("ok", None, True)}
        began = transact(lambda c: cycles.begin(c, CLIENT, "schedule"))
        world.cycle()
        assert rows(world) == [("ok", 5), ("aborted", 0), ("ok", 0)]
        (died,) = world.rows("SELECT * FROM ops.cycle WHERE outcome = 'aborted'")
        assert (died["started_at"], died["trigger"], died["error_class"]) == (
            began,
            "schedule",
            "ProcessDied",
        )
        assert died["finished_at"] == state(world)["last_started_at"]
        assert not transact(cycle_is_finished_twice)


def cycle_is_finished_twice(connection: Connection) -> bool:
    """Whether an attempt whose commit was answered too late counts twice."""
    before = connection.execute(text("SELECT count(*) FROM ops.cycle")).scalar_one()
    for _ in range(2):
        cycles.finish(connection, CLIENT, Tally(new=1), Outcome.OK, history_days=DAYS)
    return bool(connection.execute(text("SELECT count(*) FROM ops.cycle")).scalar_one() > before)


OLD = """
    INSERT INTO ops.cycle (client_id, trigger, version, outcome, started_at, finished_at)
    SELECT client, 'schedule', '1', 'ok', at, at
    FROM unnest(ARRAY['acme', 'other']) AS client,
         generate_series(now() - interval '91 days', now() - interval '91 days' + :count * interval '1 s', '1 s') AS at
    """


def test_rows_are_deleted_after_their_time_in_batches_once_a_day_and_the_newest_stays(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=0)) as world:
        world.cycle()
        world.execute("DELETE FROM ops.cycle")
        world.execute(OLD, count=PRUNED_AT_ONCE + 49)
        count = "SELECT count(*) FROM ops.cycle WHERE client_id = :client"
        counts = []
        # A day later, each cycle deletes a batch, until there is no more.
        world.execute("UPDATE ops.client_state SET pruned_at = now() - interval '25 h'")
        for _ in range(3):
            world.cycle()
            counts.append(world.value(count, client=CLIENT))
        assert counts == [50, 1, 1]
        assert world.value(count, client="other") == PRUNED_AT_ONCE + 50
        world.execute(OLD, count=1)
        world.cycle()
        assert world.value(count, client=CLIENT) == 3
        assert world.value("SELECT now() - pruned_at < interval '1 min' FROM ops.client_state")


def test_the_migration_takes_the_state_from_the_rows_and_gives_it_back(
    database_url: str, tmp_path: Path
) -> None:
    """Twice: from a state with cycles that have no row, and from one in which the last cycle failed."""
    with site(database_url, tmp_path) as here:
        environs: tuple[dict[str, str], ...] = ({}, {"CLIENT_SECRET": "wrong"})
        for environ in environs:
            for _ in range(2):
                here.run("sync", **environ)
            seen, health = known(database_url), here.rows(HEALTH)
            migrate.downgrade(database_url, "0009")
            before = known(database_url)
            assert here.rows(HEALTH.replace("cycles_24h, ", "")) == [
                tuple(value for number, value in enumerate(row) if number != 4) for row in health
            ]
            assert here.run("status", "--check").stdout.startswith("OK: 1 client")
            migrate.upgrade(database_url)
            after = known(database_url)
            assert (before[:4], after) == (seen[:4], seen)
        assert seen[2:] == ("failed", seen[3], 2)


def known(database_url: str) -> tuple[Any, ...]:
    """What status says of the last cycles: the last good one, the newest one, and the failures in a row."""
    with Database(database_url) as database:
        (one,) = database.transact(lambda c: status.of_clients_of_any_schema(c, [CLIENT]), Deadline(30))
    return one.last_ok_at, one.client_id, one.last_outcome, one.last_error, one.failures


def test_a_log_with_nothing_to_tell_is_short(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=3)) as here:
        lists = here.sandbox.ledger.lists
        with here.start("run", LOG__LEVEL="info") as daemon:
            daemon.wait_for("cycle_finished")
            idle = len(lists)
            eventually(lambda: len(lists) > idle + 3, "idle cycles")
            assert len(daemon.events("cycle_finished")) == 1
            planned = "SELECT next_start_at > last_started_at FROM ops.client_state"
            eventually(lambda: here.value(planned), "the next start, after a cycle has ended")
            here.sandbox.add_profiles(1)
            _, told = daemon.wait_for("cycle_finished", 2)
            assert daemon.stop() == 0
        assert (told["level"], told["new"]) == ("info", 1)
        assert here.value("SELECT count(*) FROM ops.cycle WHERE cycle_id = %s", told["cycle_id"]) == 1
