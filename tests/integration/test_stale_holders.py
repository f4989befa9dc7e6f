"""A process that was frozen, or whose host is gone: its client is taken over, and it confirms and asks for nothing any more."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from syncd.deadline import Deadline
from syncd.errors import LeaseLost
from syncd.sandbox import Fault, SandboxConfig
from syncd.store import leases
from syncd.store.engine import Database, make_engine
from syncd.sync.keeper import LeaseKeeper
from syncd.sync.once import Ended
from tests.integration.settling import CONFIRM, LIST, calls
from tests.scene import scene
from tests.system.processes import eventually

CONFIG = SandboxConfig(profiles=3, media_per_profile=0.0)


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
    with (
        Database(database_url) as database,
        LeaseKeeper(database, ttl=60.0) as keeper,
        make_engine(database_url).connect() as frozen,
    ):
        taken = database.transact(lambda c: leases.acquire(c, "acme", "frozen", ttl=0.0), Deadline(5))
        assert taken
        frozen.begin()
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
        frozen.invalidate()
