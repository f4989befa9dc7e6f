"""Runs three daemons for three clients on one database and media root, and kills or freezes one daemon per round.

After each round, everything must be stored and confirmed in its newest version, with exactly one revision per change, and
the oracle audits it. All the time, a witness in the database watches each commit, and taps watch each request.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice

from syncd.sandbox import SandboxConfig, Tenant
from tests.proof import replicas_witness as witness
from tests.proof.replicas_acts import ACTS, GONE_AFTER, TTL
from tests.proof.replicas_fleet import fleet
from tests.proof.replicas_scene import Scene
from tests.proof.summary import spelt, total
from tests.proof.world import installation
from tests.system.processes import eventually

REPLICAS, POINTS, ROUNDS = 3, 25, 20
ENVIRON = {
    "SYNC__LEASE_TTL": f"{TTL:.0f}s",
    "SYNC__MEDIA_RETRY": "100ms",
    "SYNC__MEDIA_GONE_AFTER": f"{GONE_AFTER:.0f}s",
    "SYNC__BATCH_SIZE": "4",
    "SYNC__CONFIRM_BATCH": "2",
    "MEDIA__CONCURRENCY": "2",
}


def points() -> Iterator[str]:
    """Lists the seeds; each point has `ROUNDS` rounds."""
    return map(str, range(1, POINTS + 1))


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    rounds, ambushes, sprung = (
        total(held, pattern) for pattern in (r"^(\d+) rounds", r"of (\d+) ambushes", r" (\d+) of")
    )
    seeds = spelt(range(1, POINTS + 1))
    return f"{rounds} rounds, {sprung} of {ambushes} ambushes sprang; {seeds}"


def prove(point: str) -> str:
    """Runs all rounds of one seed. Returns their number."""
    ambushes, sprung = prove_rounds(int(point), ROUNDS)
    assert sprung >= 0.8 * ambushes, f"only {sprung} of {ambushes} ambushes sprang"
    return f"{ROUNDS} rounds, {sprung} of {ambushes} ambushes sprang"


def prove_rounds(number: int, rounds: int) -> tuple[int, int]:
    """Runs the first rounds of a seed. Returns how many ambushes it set, and how many the daemons ran into."""
    rng = random.Random(number)
    tenants = tuple(Tenant(name, f"{name}-secret", 3) for name in ("beta", "gamma"))
    config = SandboxConfig(profiles=3, seed=number, tenants=tenants)
    with installation(config, **ENVIRON) as here:
        witness.install(here)
        with fleet(here, REPLICAS) as daemons:
            scene = Scene(here, daemons, rng)
            scene.converge()
            for count, act in enumerate(islice(_acts(rng), rounds), 1):
                try:
                    _round(scene, act)
                except AssertionError as error:
                    raise AssertionError(f"round {count}, {act}: {error}") from error
            for each in daemons.replicas:
                each.running.wait_for("daemon_started")  # before that, a signal simply ends it
                assert each.running.stop() == 0
        here.assert_complete()
        witness.require_orderly(here, daemons.killed, daemons.requests)
        return scene.ambushes, scene.sprung


def _acts(rng: random.Random) -> Iterator[str]:
    while True:
        yield from rng.sample(sorted(ACTS), len(ACTS))


def _round(scene: Scene, act: str) -> None:
    client = scene.rng.choice(scene.daemons.clients)
    victim = eventually(lambda: scene.daemons.holder(client), "a living replica holds the lease", 10)
    try:
        ACTS[act](scene, client, victim)
    finally:
        victim.call_off()
    scene.converge()
