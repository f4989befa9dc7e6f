"""SIGKILL at any moment: the next start goes on from the database, and nothing is lost, doubled or left behind."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from syncd.sandbox import Fault, SandboxConfig
from tests.system.processes import MANY, Site, eventually, site, struck

_STAGES = {"profiles": "land", "{mediaId}": "fetch", "confirm": "confirm", "/token": "start"}


def stage(here: Site) -> str:
    """The stage that the newest request belongs to; the look at the templates is none."""
    paths = [request.path for request in here.sandbox.ledger.requests if "templates" not in request.path]
    return next(name for end, name in _STAGES.items() if paths[-1].endswith(end))


def kill_at_random_moments(here: Site, kills: int, rng: random.Random) -> Counter[str]:
    """Start the daemon and kill it, over and over, while applications come in and change; count where it died."""
    died: Counter[str] = Counter()
    requests = here.sandbox.ledger.requests
    for _ in range(kills):
        before = len(requests)
        here.sandbox.add_profiles(rng.randrange(30, 80))
        changing = rng.choice(list(here.sandbox.expected()))
        here.sandbox.change_profile(changing["profileId"], add_media=rng.randrange(3))
        with here.start("run") as daemon:
            far = rng.choice(("/profiles", "/media/", "/confirm"))
            # A lease that had to run out first would take a minute.
            eventually(lambda: any(far in each.path for each in requests[before:]), f"it asks for {far}", 40)  # noqa: B023 - runs at once
            # The moment itself is what is tried here; confirms do not take long.
            time.sleep(rng.uniform(0.0, 0.05 if far == "/confirm" else 0.3))
            daemon.kill()
        died[stage(here)] += 1
    return died


def converge(here: Site) -> None:
    with here.start("run") as daemon:
        eventually(lambda: not here.outstanding(), "everything is stored and confirmed", 120)
        daemon.wait_for("cycle_finished", outcome="ok")
        assert daemon.stop() == 0
    here.assert_complete()
    assert here.value("SELECT count(*) FROM ops.client_state WHERE is_running") == 0


SMALL_STEPS = {"SYNC__BATCH_SIZE": "20", "SYNC__CONFIRM_BATCH": "5", "MEDIA__CONCURRENCY": "2"}


@pytest.mark.thorough
@pytest.mark.long
def test_killed_at_four_random_moments_nothing_is_lost_confirmed_early_or_left_behind(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=40, seed=11), **SMALL_STEPS) as here:
        kill_at_random_moments(here, 4, random.Random(11))
        converge(here)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_killed_at_a_hundred_random_moments_nothing_is_lost_confirmed_early_or_left_behind(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=60, seed=5), **SMALL_STEPS) as here:
        died = kill_at_random_moments(here, 100, random.Random(5))
        assert min(died[name] for name in ("land", "fetch", "confirm")) >= 5, died
        converge(here)


@pytest.mark.parametrize("fault", ["hang", "drop_after"])
def test_killed_between_the_commit_and_the_confirm_it_confirms_after_the_restart(
    fault: str, database_url: str, tmp_path: Path
) -> None:
    """PitchYou has not taken the confirm, or it has and the answer was lost."""
    with site(database_url, tmp_path, SandboxConfig(profiles=5, media_per_profile=1.0)) as here:
        here.sandbox.inject(Fault("confirm", fault, times=MANY))
        with here.start("run") as daemon:
            eventually(lambda: struck(here), "a confirm is on its way")
            assert here.value("SELECT count(*) FROM ats.application WHERE confirmed_revision > 0") == 0
            daemon.kill()
        here.sandbox.clear_faults()
        converge(here)
