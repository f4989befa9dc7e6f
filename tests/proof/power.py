"""Cuts the power after each fsync and at random moments, on ext4 and on XFS. What was confirmed must survive intact.

Unlike SIGKILL, a power cut loses what was written without an fsync. Right after the restart, before syncd runs again, the
oracle checks everything that was confirmed to PitchYou; then syncd must fetch the rest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any

from syncd.sandbox import Sandbox, SandboxConfig
from syncd.sandbox.audit.store_audit import audit_confirm
from tests.proof.power_machine import FILE_SYSTEMS, TOOLS, Disk, Machine, machine, missing
from tests.proof.summary import NOT_REACHED, done
from tests.proof.traced import traced
from tests.proof.world import SMALL_STEPS, SMALL_STEPS_ENVIRON, converge, cycle
from tests.system.processes import Site, eventually, site

__all__ = ["TOOLS", "missing", "points", "prove"]

SEEDS = (11, 23, 37)
# The very first cycle, a busy one, and one whose only file goes into an existing folder. In a busy cycle, each fsync also
# makes earlier writes durable, so that a missing fsync would go unnoticed. The numbers are random moments per seed.
LOADS = {"first": 10, "busy": 20, "small": 30}


def points() -> Iterator[str]:
    """Lists all points, as `file system:load:seed:moment`; a moment is `fsync-N`, `call-N`, or the `end` of the run."""
    for load, drawn in LOADS.items():
        for seed in SEEDS:
            with _scene("ext4", load, seed) as (here, _, _):
                calls, code = _traced_sync(here)
            assert code in (0, 3), code
            fsyncs = sum(call.startswith("fsync") for call in calls)
            numbers = random.Random(seed).sample(range(1, len(calls) + 1), drawn)
            moments = [f"fsync-{number}" for number in range(1, fsyncs + 1)]
            moments += [f"call-{number}" for number in sorted(numbers)]
            for kind in FILE_SYSTEMS:
                yield from (f"{kind}:{load}:{seed}:{moment}" for moment in (*moments, "end"))


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return done(held, "cuts", SEEDS)


def prove(point: str) -> str:
    """Cuts the power once, checks what was confirmed, restarts syncd, and asks the oracle."""
    kind, load, seed, moment = point.split(":")
    at, _, number = moment.partition("-")
    when: dict[str, Any] = {}
    if at == "fsync":
        when = {"kill_after": int(number)}
    elif at == "call":
        when = {"kill_at": ("", int(number))}
    with _scene(kind, load, int(seed)) as (here, its_machine, media), ExitStack() as dark:

        def cut() -> None:
            dark.enter_context(_between_requests(here.sandbox))
            dark.enter_context(its_machine.without_power(media))

        calls, code = _traced_sync(here, **when, before_kill=cut)
        killed = code == -9
        assert killed or code in (0, 3), code
        if not killed:
            cut()
        dark.close()
        assert_confirmed_is_whole(here)
        converge(here)
    if killed:
        return f"{kind}, {at} {calls[-1]}"
    return NOT_REACHED if when else f"{kind}, end"


def assert_confirmed_is_whole(here: Site) -> None:
    """Checks that each file that the database calls stored is intact, and so is each confirmed application."""
    for path, size, digest in here.rows(
        "SELECT storage_path, size_bytes, sha256 FROM ats.media WHERE state = 'stored'"
    ):
        file = here.media_root / path
        assert file.is_file(), f"{path} is stored, but not there after a power cut"
        assert (file.stat().st_size, _sha256(file)) == (size, bytes(digest)), f"{path} is not whole"
    population = here.sandbox._population(None)
    # If a newer version was listed since, the rows belong to a version that is not confirmed yet.
    confirmed = [each.profile_id for each in population.entries() if each.confirmed >= max(each.taken, 0)]
    findings = audit_confirm(here.sandbox.config, population, here.sandbox.ledger, confirmed)
    assert not findings, f"confirmed, but not there after a power cut: {findings}"


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


@contextmanager
def _scene(kind: str, load: str, seed: int) -> Iterator[tuple[Site, Machine, Disk]]:
    """Sets up an installation on a machine with this file system, just before the cycle in question."""
    config = SandboxConfig(profiles=4, seed=seed)
    its_machine = machine(kind)
    with (
        its_machine.installation() as (database_url, media),
        site(database_url, media.folder, config, **SMALL_STEPS_ENVIRON) as here,
    ):
        if load != "first":
            cycle(here, **SMALL_STEPS)
            ids = [profile["profileId"] for profile in here.sandbox.expected()]
            here.sandbox.change_profile(ids[0], add_media=1)
            if load == "busy":
                (dropped,) = here.rows(
                    "SELECT media_id FROM ats.media WHERE profile_id != %s ORDER BY 1 LIMIT 1", ids[0]
                )
                here.sandbox.change_profile(ids[1], drop_media=dropped)
                here.sandbox.put_raw_profile(b'{"profileId": "broken", "answers": NaN}')
                here.sandbox.add_profiles(4)
        yield here, its_machine, media


def _traced_sync(here: Site, **kill: Any) -> tuple[list[str], int]:
    return traced("sync", "--json", environ=here.environ, root=here.media_root, **kill)


@contextmanager
def _between_requests(sandbox: Sandbox) -> Iterator[None]:
    """Blocks PitchYou's answers inside the `with`, since its audit must not look at an unmounted disk."""
    ledger = sandbox.ledger

    def idle() -> bool:
        ledger._lock.acquire()
        if ledger._running:
            ledger._lock.release()
            return False
        return True

    eventually(idle, "PitchYou has answered what it was asked")
    try:
        yield
    finally:
        ledger._lock.release()
