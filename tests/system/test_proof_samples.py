"""A seeded sample of each proof that needs no package of its own and no root; `make proof` runs them whole."""

from __future__ import annotations

import os
import platform
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.embedded import EmbeddedPostgres
from tests.proof import commands, crash, exchanges, fuzz, model, mutants, replicas, tracer, twice, wire, world
from tests.proof.summary import NOT_REACHED
from tests.proof.world import busy, numbered

SEED = 1
QUICK = ("no check of the size", "the hash ignores media", "a 401 is retried again and again")
# What strace may see of sockets and the media root and the tracer may not: it changes nothing outside the process.
LOOKS = {
    "fstat",
    "newfstatat",
    "lseek",
    "ioctl",
    "poll",
    "ppoll",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "fcntl",
}
NAMES_SEEN = LOOKS | set(tracer.NAMES.values())

needs_tracer = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the tracer knows the system calls of x86-64 alone"
)


@pytest.fixture(autouse=True)
def server_of_this_worker(shared_postgres: EmbeddedPostgres) -> None:
    world.use(shared_postgres)


@needs_tracer
def test_killed_at_some_of_its_system_calls_nothing_is_lost() -> None:
    with busy(crash.SEEDS[0]) as here:
        calls, _ = crash.traced_sync(here)
    assert {"fsync .tmp", "renameat .tmp", "mkdirat media", "sendto socket", "fsync media"} <= set(calls)
    drawn = random.Random(SEED).sample(list(numbered(calls)), 2)
    found = [crash.prove(f"{crash.SEEDS[0]}:{call}:{number}") for call, number in drawn]
    assert found.count(NOT_REACHED) <= 1  # threads do not run alike each time


@needs_tracer
def test_killed_between_the_steps_of_a_new_mark_the_next_cycle_takes_it_for_no_restore() -> None:
    """The mark before the first confirm is the first file that gets its name."""
    with busy(crash.SEEDS[0]) as here:
        calls, _ = crash.traced_sync(here)
    points = list(numbered(calls))
    named = points.index(("renameat .tmp", 1))
    durable = next(point for point in points[named:] if point[0] == "fsync media")
    told = [point for point in points[named:] if point[0] == "sendto socket"]
    for call, number in (("renameat .tmp", 1), durable, told[0]):
        assert crash.prove(f"{crash.SEEDS[0]}:{call}:{number}") != NOT_REACHED


@pytest.mark.thorough
@needs_tracer
def test_tracer_sees_every_call_that_strace_sees(tmp_path: Path) -> None:
    """But for those that only wait, look, or set up a socket: they change nothing, and nothing new is in the answer."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log = tmp_path / "log"
    with busy(crash.SEEDS[0]) as here:
        command = ["strace", "-f", "-y", "-o", str(log), sys.executable, "-m", "syncd", "sync", "--json"]
        subprocess.run(command, env={**os.environ, **here.environ}, check=False, stdout=subprocess.DEVNULL)
        ours = re.compile(rf"\d+ +(\w+)\((?:[^\n]*?{re.escape(str(here.media_root))}|\d+<(?:socket|TCP))")
        seen = {found[1] for line in log.read_text().splitlines() if (found := ours.match(line))}
    assert {"sendto", "fsync", "renameat", "openat"} <= seen
    assert seen - NAMES_SEEN == set()


@needs_tracer
def test_killed_once_more_while_it_recovers_nothing_is_lost() -> None:
    points = random.Random(SEED)
    for seed in crash.SEEDS[1:]:
        assert twice.prove(f"{seed}:{points.randint(1, 300)}:{points.randint(1, 60)}") != NOT_REACHED


@pytest.mark.long
@needs_tracer
@pytest.mark.parametrize(
    "names",
    [
        ("migration of a store in use", "verify --repair"),
        pytest.param(("first sync", "jobs import", "quarantine retry"), marks=pytest.mark.thorough),
    ],
    ids=" and ".join,
)
def test_killed_at_some_call_a_first_sync_a_migration_and_other_commands_lose_nothing(
    names: tuple[str, ...],
) -> None:
    """One call of each, drawn from those that the shortest of them makes as well."""
    numbers = random.Random(SEED)
    for name in names:
        assert commands.prove(f"{name}:{numbers.randint(5, 40)}") != NOT_REACHED, name


def test_with_postgres_cut_off_at_some_of_its_messages_nothing_is_lost() -> None:
    points = list(wire.points())
    found = [wire.prove(point) for point in random.Random(SEED).sample(points, 2)]
    assert found.count(NOT_REACHED) <= 1


def test_with_some_http_exchanges_broken_nothing_is_lost() -> None:
    points = list(exchanges.points())
    for point in random.Random(SEED).sample(points, 2):
        assert exchanges.prove(point) != NOT_REACHED


def test_each_of_100_elements_that_hypothesis_builds_is_stored_or_in_quarantine_and_damaged_lists_land_nothing() -> (
    None
):
    assert fuzz.prove_elements(SEED, 100) == 100
    fuzz.prove(f"list:{SEED}")


def test_whatever_happens_to_three_clients_the_store_agrees_with_the_model() -> None:
    model.prove_examples(SEED, 1, 12)


@pytest.mark.long
def test_with_three_daemons_of_which_one_is_killed_or_frozen_no_stale_write_is_accepted() -> None:
    replicas.prove_rounds(SEED, 1)


@pytest.mark.long
def test_a_fault_put_into_a_copy_of_the_tree_is_noticed() -> None:
    assert mutants.prove(random.Random(SEED).choice(QUICK))
