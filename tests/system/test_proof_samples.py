"""A seeded sample of the proofs that `python -m tests.proof` runs whole: crash points, cut connections, broken exchanges."""

from __future__ import annotations

import platform
import random

import pytest

from tests.proof import crash, exchanges, wire
from tests.proof.world import busy

SEED = 1


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the tracer knows the system calls of x86-64 alone"
)
def test_killed_at_some_of_its_system_calls_nothing_is_lost() -> None:
    with busy(crash.SEEDS[0]) as here:
        calls, _ = crash.traced_sync(here)
    assert {"fsync .tmp", "rename .tmp", "sendto socket", "fsync media"} <= set(calls)
    for number in random.Random(SEED).sample(range(1, len(calls) + 1), 4):
        crash.prove(f"{crash.SEEDS[0]}:{number}")


def test_with_postgres_cut_off_at_some_of_its_messages_nothing_is_lost() -> None:
    points = list(wire.points())
    for point in random.Random(SEED).sample(points, 12):
        wire.prove(point)


def test_with_some_http_exchanges_broken_nothing_is_lost() -> None:
    points = list(exchanges.points())
    for point in random.Random(SEED).sample(points, 8):
        exchanges.prove(point)
