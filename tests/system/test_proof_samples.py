"""A seeded sample of each proof that needs no package of its own and no root; `make proof` runs them whole."""

from __future__ import annotations

import platform
import random

import pytest

from tests.proof import crash, exchanges, fuzz, model, mutants, replicas, twice, wire
from tests.proof.world import busy

SEED = 1

needs_tracer = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the tracer knows the system calls of x86-64 alone"
)


@needs_tracer
def test_killed_at_some_of_its_system_calls_nothing_is_lost() -> None:
    with busy(crash.SEEDS[0]) as here:
        calls, _ = crash.traced_sync(here)
    assert {"fsync .tmp", "rename .tmp", "sendto socket", "fsync media"} <= set(calls)
    for number in random.Random(SEED).sample(range(1, len(calls) + 1), 4):
        crash.prove(f"{crash.SEEDS[0]}:{number}")


@needs_tracer
def test_killed_once_more_while_it_recovers_nothing_is_lost() -> None:
    twice.prove(f"{crash.SEEDS[1]}:150:30")
    twice.prove(f"{crash.SEEDS[2]}:400:90")


def test_with_postgres_cut_off_at_some_of_its_messages_nothing_is_lost() -> None:
    points = list(wire.points())
    for point in random.Random(SEED).sample(points, 12):
        wire.prove(point)


def test_with_some_http_exchanges_broken_nothing_is_lost() -> None:
    points = list(exchanges.points())
    for point in random.Random(SEED).sample(points, 8):
        exchanges.prove(point)


def test_each_of_200_elements_that_hypothesis_builds_is_stored_or_in_quarantine_and_damaged_lists_land_nothing() -> (
    None
):
    assert fuzz.prove_elements(SEED, 200) == 200
    fuzz.prove(f"list:{SEED}")


def test_whatever_happens_to_three_clients_the_store_agrees_with_the_model() -> None:
    model.prove_examples(SEED, 2, 12)


@pytest.mark.long
def test_with_three_daemons_of_which_one_is_killed_or_frozen_no_stale_write_is_accepted() -> None:
    replicas.prove_rounds(SEED, 4)


def test_a_fault_put_into_a_copy_of_the_tree_is_noticed() -> None:
    assert mutants.prove("no check of the size")
