"""The network is slow or stands still for a while, to Postgres as to PitchYou: it takes longer, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import SandboxConfig
from tests.system.forwarder import Forwarder
from tests.system.processes import eventually, site

DELAY = 0.02  # seconds for each way, as between Frankfurt and Lisbon
CONFIG = SandboxConfig(profiles=12, media_per_profile=1.0)


def behind(database_url: str, way: Forwarder) -> str:
    """The database's address with the forwarder in front of it."""
    return make_url(database_url).set(port=way.port).render_as_string(hide_password=False)


@pytest.mark.long
def test_latency_to_postgres_and_to_pitchyou_costs_time_and_nothing_else(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with (
        site(database_url, tmp_path, CONFIG) as here,
        Forwarder(shared_postgres.port, delay=DELAY) as to_postgres,
        Forwarder(urlsplit(here.sandbox.url).port or 0, delay=DELAY) as to_pitchyou,
    ):
        far = {
            "DATABASE__URL": behind(database_url, to_postgres),
            "BASE_URL": f"http://127.0.0.1:{to_pitchyou.port}",
        }
        for _ in range(2):
            result = here.run("sync", **far)
            assert (result.returncode, result.stderr) == (0, "")
            assert not here.outstanding()
            here.assert_complete()
            here.sandbox.add_profiles(12)
        assert min(to_postgres.pieces, to_pitchyou.pieces) > 30


@pytest.mark.parametrize("stage", ["at the start", "in the middle"])
def test_a_way_to_postgres_that_stands_still_is_waited_for(
    stage: str, database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """A paused pooler, or a network that loses packets for a while: no connection ends, nothing comes."""
    with Forwarder(shared_postgres.port) as way, site(database_url, tmp_path, CONFIG) as here:
        if stage == "at the start":
            way.open.clear()
        with here.start(
            "run", DATABASE__URL=behind(database_url, way), SYNC__BATCH_SIZE="3", SYNC__CONFIRM_BATCH="2"
        ) as daemon:
            if stage == "in the middle":
                eventually(lambda: len(here.sandbox.ledger.requests) > 8, "it works")
                way.open.clear()
            time.sleep(3)
            assert not daemon.events("cycle_finished")
            way.open.set()
            daemon.wait_for("cycle_finished", outcome="ok")
            assert daemon.stop() == 0
            assert not [event for event in daemon.events() if event["level"] in ("error", "critical")]
        assert not here.outstanding()
        here.assert_complete()
