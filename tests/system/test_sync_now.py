"""SIGUSR1: a cycle now, whatever the schedule says."""

import signal
import time
from pathlib import Path

from syncd.sandbox import Fault, SandboxConfig
from tests.system.processes import MANY, begun, eventually, site, struck

NEVER = "every 7d"


def test_a_signal_lets_the_next_cycle_begin_at_once(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, schedule=NEVER) as here, here.start("run") as daemon:
        daemon.wait_for("cycle_finished", outcome="ok")
        asked = time.monotonic()
        daemon.send(signal.SIGUSR1)
        daemon.wait_for("cycle_finished", 2, outcome="ok")
        assert time.monotonic() - asked < 30  # and not in a week
        assert [event["event"] for event in daemon.events()].count("sync_requested") == 1
        assert daemon.stop() == 0


def test_a_signal_during_a_cycle_makes_one_more_follow_it(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=3), schedule=NEVER) as here:
        here.sandbox.inject(Fault("confirm", "slow", seconds_per_byte=0.05, times=MANY))
        with here.start("run") as daemon:
            eventually(lambda: struck(here), "the confirm is slow")
            daemon.send(signal.SIGUSR1)
            daemon.send(signal.SIGUSR1)
            daemon.wait_for("cycle_finished", 2, outcome="ok")
            time.sleep(1)
            assert begun(here) == 2
            assert daemon.stop() == 0
