"""Runs one cycle for one client, from taking its lease to reporting how the cycle ended."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncd.deadline import Beat, Deadline
from syncd.errors import LeaseHeld, LeaseLost, SyncdError
from syncd.media.vault import Vault
from syncd.model import Outcome
from syncd.pitchyou import PitchYou
from syncd.store.cycles import Tally, Trigger
from syncd.store.database import Database
from syncd.store.status import Shortfall
from syncd.sync.cycle import outcome_of, recorded_cycle
from syncd.sync.digest import Digest
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.stage_clock import Stage
from syncd.sync.work import Plan, Work


@dataclass(frozen=True, slots=True)
class Client:
    """How to sync a client, its connection to PitchYou, and the summary of its scheduled cycles for the log."""

    plan: Plan
    api: PitchYou
    digest: Digest = field(default_factory=Digest)


@dataclass(frozen=True, slots=True)
class Outsides:
    """What all clients of a process share: the database, the media root and the keeper of its leases."""

    database: Database
    vault: Vault
    keeper: LeaseKeeper


@dataclass(frozen=True, slots=True)
class Ended:
    """How a cycle ended: what it did, what it left open, and the error that ended it, if any.

    `more_listed` is how PitchYou said that it lists more than its response contained, or None. `stage_seconds` says how
    long each stage took, and `retries` how often requests were repeated, by reason.
    """

    outcome: Outcome
    tally: Tally
    error: SyncdError | None = None
    shortfall: Shortfall | None = None
    more_listed: str | None = None
    stage_seconds: Mapping[Stage, float] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)


def prepare_work(
    client: Client,
    outsides: Outsides,
    stop: threading.Event,
    progress: Callable[[Work], None] = lambda work: None,
    next_start_at: Callable[[], datetime | None] = lambda: None,
    beat: Beat = lambda pause: None,
) -> Work:
    """Takes the client's lease and builds what the stages need. `beat` is called whenever the cycle moves.

    Raises:
        LeaseHeld: another syncd works for this client.
    """
    return Work(
        plan=client.plan,
        api=client.api,
        database=outsides.database,
        vault=outsides.vault,
        lease=outsides.keeper.hold(client.plan.client_id),
        deadline=Deadline(client.plan.cycle_deadline, stop=stop, beat=beat),
        progress=progress,
        next_start_at=next_start_at,
    )


def run_once(
    client: Client,
    outsides: Outsides,
    *,
    trigger: Trigger,
    stop: threading.Event,
    progress: Callable[[Work], None] = lambda work: None,
    next_start_at: Callable[[], datetime | None] = lambda: None,
    beat: Beat = lambda pause: None,
) -> Ended:
    """Runs one cycle. A failure is part of the result, since what the cycle did before it stays done.

    Args:
        next_start_at: returns when the client's next cycle is due, or None if that is not known.
        beat: is called whenever the cycle moves, from any thread.

    Raises:
        LeaseHeld: another syncd works for this client; nothing was done.
        DatabaseUnavailable: the cycle could not begin.
    """
    try:
        work = prepare_work(client, outsides, stop, progress, next_start_at, beat)
    except LeaseHeld:
        # The client is in other hands now, so its last failure here proves nothing about Postgres any more.
        outsides.database.note_cycle(client.plan.client_id, None)
        raise
    # The first cycle after a start shows that the daemon works.
    work.is_awaited = trigger == "command" or client.digest.is_new
    try:
        outcome = recorded_cycle(work, trigger)
        outsides.database.note_cycle(work.client_id, None)
        ended = Ended(
            outcome,
            work.tally,
            shortfall=work.shortfall,
            more_listed=work.more_listed,
            stage_seconds=work.clock.seconds,
            retries=work.retries,
        )
    except SyncdError as error:
        outsides.database.note_cycle(work.client_id, error)
        if isinstance(error, LeaseLost):
            outsides.keeper.drop(client.plan.client_id)
        ended = Ended(
            outcome_of(error), work.tally, error, stage_seconds=work.clock.seconds, retries=work.retries
        )
    if trigger == "schedule":
        client.digest.add(work.client_id, ended.outcome)
    return ended
