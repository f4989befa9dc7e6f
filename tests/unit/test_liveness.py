"""Which cycles stand still or are overdue, and what the service manager hears of it, at a real socket."""

from __future__ import annotations

import io
import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.liveness import OVERDUE, SHORTEST, STANDSTILL, Liveness, Stalled
from syncd.service_manager import ServiceManager
from syncd.watchdog import Watchdog
from tests.system.manager import Manager, manager
from tests.system.processes import eventually
from tests.unit.log_lines import logging_to

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Clock:
    """Monotonic seconds that stand still until a test moves them."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_cycle_stands_still_after_its_limit_and_moves_with_its_next_beat() -> None:
    clock = Clock()
    liveness = Liveness(clock)
    beat = liveness.begin("acme", cycle_deadline=1800)
    liveness.begin("quick", cycle_deadline=1)
    clock.now += SHORTEST + 1
    assert liveness.report() == [Stalled("quick", "stalled", SHORTEST + 1)]
    clock.now += STANDSTILL - SHORTEST
    assert [each.client_id for each in liveness.report()] == ["acme", "quick"]
    beat(0.0)
    liveness.end("quick")
    assert (liveness.report(), liveness.running()) == ([], ["acme"])
    # It waits on purpose, as PitchYou has asked for.
    beat(120.0)
    clock.now += 120
    beat(0.0)
    assert liveness.report() == []
    # The beat of a cycle that has ended does not keep its successor alive.
    liveness.end("acme")
    liveness.begin("acme", cycle_deadline=1800)
    clock.now += STANDSTILL + 1
    beat(0.0)
    assert [each.client_id for each in liveness.report()] == ["acme"]


def settled(heard: Manager) -> Manager:
    """After everything that was said before has been heard."""
    said = f"X_SETTLED={len(heard.heard)}"
    place = f"\0{heard.address[1:]}" if heard.address.startswith("@") else heard.address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(said.encode(), place)
    eventually(lambda: said in heard.heard, said)
    return heard


@pytest.mark.parametrize("address", ["file", "@syncd-test-{pid}"])
def test_while_a_cycle_is_overdue_or_stands_still_the_service_manager_hears_no_sign_of_life(
    address: str, tmp_path: Path
) -> None:
    clock, log = Clock(), io.StringIO()
    liveness = Liveness(clock)
    place = tmp_path / "notify" if address == "file" else address.format(pid=os.getpid())
    with manager(place) as heard, logging_to(log, "json", "info"):
        environ = {
            "NOTIFY_SOCKET": heard.address,
            "WATCHDOG_USEC": "6000000",
            "WATCHDOG_PID": str(os.getpid()),
        }
        watchdog = Watchdog(liveness, ServiceManager(environ))
        assert watchdog.pause(5.0) == 3.0

        def look(seconds: float, *, due: datetime, alive: bool) -> None:
            before, clock.now = settled(heard).count("WATCHDOG=1"), clock.now + seconds
            watchdog.look({"acme": due}, NOON + timedelta(seconds=clock.now - 1000))
            assert settled(heard).count("WATCHDOG=1") - before == alive

        soon, later = NOON + timedelta(seconds=10), NOON + timedelta(days=1)
        look(0, due=soon, alive=True)
        look(11, due=soon, alive=True)  # due, but not for long
        look(OVERDUE + 1, due=later, alive=False)  # the scheduler has gone on without it
        look(1, due=later, alive=False)
        liveness.note_run("acme")
        beat = liveness.begin("acme", cycle_deadline=1800)
        look(1, due=later, alive=True)
        look(STANDSTILL, due=later, alive=False)
        assert heard.heard[-2].startswith("STATUS=Stalled: acme. Syncing acme.")
        look(1, due=later, alive=False)
        beat(0.0)
        look(1, due=later, alive=True)
        # A run that is skipped for a long cycle is not overdue.
        look(1, due=NOON, alive=True)
        liveness.note_run("acme")
        liveness.end("acme")
        look(OVERDUE + 1, due=later, alive=True)
        assert heard.heard[-2].startswith("STATUS=Next cycle: acme at 20")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("cycle_overdue", "error"),
        ("cycle_moves_again", "info"),
        ("cycle_stalled", "error"),
        ("cycle_moves_again", "info"),
    ]


def say_everything(environ: dict[str, str]) -> None:
    said = ServiceManager(environ)
    said.ready()
    said.reloading()
    said.alive()
    said.status("fine")


def test_without_a_service_manager_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    say_everything({})
    say_everything({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000"})
    others = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    assert ServiceManager(others).watchdog is None
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:  # that nobody reads
        listener.bind(str(tmp_path / "full"))
        said = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "full")})
        for number in range(2000):  # more than the socket holds
            said.status(str(number))
