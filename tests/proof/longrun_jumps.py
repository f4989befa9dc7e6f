"""Sets the clock of a machine forward and back, and suspends the machine. syncd must make up for missed runs once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from syncd.sandbox.faults import Fault
from tests.proof.longrun_scene import CLIENTS, Scene, scene

START = datetime(2027, 6, 1, 9, 59, 50, tzinfo=UTC)
HOUR = 3600
DAY = 24 * HOUR
# Forward and back, by less than an hour, by hours, by a day and by a month.
JUMPS = (DAY, -HOUR, HOUR, -DAY, 900, -900, 30 * DAY, -30 * DAY, 5 * HOUR, -2 * HOUR)
# Corrections by a time server: right before, at and right after a due run.
CORRECTIONS = (0.9, -0.9, 0.5, -0.5, 0.1, -0.1)


def prove_jumps(point: str) -> str:
    """Changes the clock as the point says, and checks everything at the end. Returns the number of changes."""
    with scene(START, gone=0.2) as machine:
        machine.pass_minutes(31)  # half past ten
        words = JUMPING[point](machine)
        machine.pass_minutes(50 * 60)  # syncd gives up missing files after a day, at the next run
        assert machine.daemon.stop() == 0
        machine.here.assert_complete()
        assert machine.here.outstanding() == 0, "an application is not confirmed"
    return words


def _runs(machine: Scene) -> list[int]:
    return [len(machine.starts(client)) for client in CLIENTS]


def _set(machine: Scene) -> str:
    """Checks that each client runs once at once if a run is due or the clock was set back; then the schedule continues."""
    for seconds in JUMPS:
        before, runs = machine.clock.now(), _runs(machine)
        machine.clock.set(seconds)
        machine.pass_minutes(1)
        after = machine.clock.now()
        passed = seconds < 0 or before.replace(minute=0, second=0) < after.replace(minute=0, second=0)
        hourly, *others = (new - old for new, old in zip(_runs(machine), runs, strict=True))
        assert hourly == passed, f"set by {seconds} s at {before}: {hourly} hourly runs"
        assert max(others) <= 1, f"set by {seconds} s at {before}: {others} runs"
        for _ in range(3):
            _one_hourly_run_in(
                machine, lambda: machine.pass_minutes(60), f"after the clock was set by {seconds} s"
            )
    return f"the clock was set {len(JUMPS)} times"


def _correct(machine: Scene) -> str:
    """Checks that part of a second changes nothing, right before and right after a run."""

    def hour() -> None:
        machine.clock.leap(59.5 - machine.clock.now().second)
        machine.clock.set(seconds)
        machine.pass_minutes(2)
        machine.clock.set(-seconds)
        machine.pass_minutes(58)

    machine.pass_minutes(59 - machine.clock.now().minute)
    for seconds in CORRECTIONS:
        for _ in range(2):
            _one_hourly_run_in(machine, hour, f"corrected by {seconds} s")
    return f"the clock was corrected {2 * len(CORRECTIONS)} times"


def _suspend(machine: Scene) -> str:
    """Suspends the machine for more than a day. One run must make up for all, and replace the expired token once."""
    runs = _runs(machine)
    asked = len(machine.asked_for_tokens[CLIENTS[0]])
    machine.clock.suspend(26 * HOUR)
    machine.pass_minutes(1)
    assert _runs(machine) == [each + 1 for each in runs], (
        f"after a sleep: {_runs(machine)} runs, before: {runs}"
    )
    assert len(machine.asked_for_tokens[CLIENTS[0]]) == asked + 1
    assert set(machine.outcomes()) <= {"ok", "partial"}
    return "the machine was suspended"


def _set_right(machine: Scene) -> str:
    """Schedules retries by a clock that is a month ahead. Once the clock is corrected, syncd must retry soon."""
    machine.clock.set(30 * DAY)
    machine.here.sandbox.inject(Fault("media", "status", status=503, times=None))
    machine.here.sandbox.inject(Fault("confirm", "status", status=422, times=None))
    for client in CLIENTS:
        machine.here.sandbox.add_profiles(8, client)
    machine.pass_minutes(100)
    assert machine.here.outstanding() > 0
    machine.here.sandbox.clear_faults()
    machine.clock.set(-30 * DAY)
    return "the clock was set right"


def _freeze(machine: Scene) -> str:
    """Freezes a daemon for a minute while it waits for Postgres. It must still make up for the run soon after the outage."""
    before = _done(machine)
    machine.postgres.stop("immediate")
    machine.pass_minutes(
        80
    )  # the clock leaps by a minute, so each wait of a second or two for Postgres takes a minute
    machine.postgres.start()
    machine.pass_minutes(4)
    runs = _done(machine) - before
    assert runs == 1, f"{runs} runs soon after an outage in which two were due"
    return "the daemon was frozen in an outage"


def _done(machine: Scene) -> int:
    """Returns the hourly runs that have ended. A frozen run may be given up and repeated."""
    done = "SELECT count(*) FROM proof.cycle WHERE client_id = %s AND outcome IN ('ok', 'partial')"
    return int(machine.here.value(done, CLIENTS[0]))


def _one_hourly_run_in(machine: Scene, hour: Callable[[], None], when: str) -> None:
    before = len(machine.starts(CLIENTS[0]))
    hour()
    now = len(machine.starts(CLIENTS[0]))
    assert now == before + 1, f"{when}: {now - before} runs in an hour"


JUMPING: Mapping[str, Callable[[Scene], str]] = MappingProxyType(
    {"set": _set, "corrected": _correct, "suspended": _suspend, "set right": _set_right, "frozen": _freeze}
)
