"""One cycle for one client, from taking its lease to knowing how it ended."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.errors import LeaseHeld, LeaseLost, SyncdError
from syncd.media.vault import Vault
from syncd.model import Outcome
from syncd.pitchyou import PitchYou
from syncd.store.cycles import Tally, Trigger
from syncd.store.database import Database
from syncd.store.status import Shortfall
from syncd.sync.cycle import outcome_of, recorded_cycle
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.work import Plan, Work


@dataclass(frozen=True, slots=True)
class Client:
    """A tenant: how to sync it, and its connection to PitchYou."""

    plan: Plan
    api: PitchYou


@dataclass(frozen=True, slots=True)
class Outsides:
    """What all clients of a process share: the database, the media root and the keeper of its leases."""

    database: Database
    vault: Vault
    keeper: LeaseKeeper


@dataclass(frozen=True, slots=True)
class Ended:
    """How a cycle ended, what it had done by then and left open, and why it failed or was stopped, if so."""

    outcome: Outcome
    tally: Tally
    error: SyncdError | None = None
    shortfall: Shortfall | None = None


def prepare_work(
    client: Client,
    outsides: Outsides,
    stop: threading.Event,
    progress: Callable[[Work], None] = lambda work: None,
) -> Work:
    """Take the client's lease and put together what its stages need.

    Raises:
        LeaseHeld: another syncd works for this client.
    """
    return Work(
        plan=client.plan,
        api=client.api,
        database=outsides.database,
        vault=outsides.vault,
        lease=outsides.keeper.hold(client.plan.client_id),
        deadline=Deadline(client.plan.cycle_deadline, stop=stop),
        progress=progress,
    )


def run_once(
    client: Client,
    outsides: Outsides,
    *,
    trigger: Trigger,
    stop: threading.Event,
    progress: Callable[[Work], None] = lambda work: None,
) -> Ended:
    """Run one cycle. A failure is part of the result, since what the cycle had done before stays done.

    Raises:
        LeaseHeld: another syncd works for this client; nothing was done.
        DatabaseUnavailable: nothing could be begun.
    """
    try:
        work = prepare_work(client, outsides, stop, progress)
    except LeaseHeld:  # whatever held up its last cycle here is another's concern now
        outsides.database.note_cycle(client.plan.client_id, None)
        raise
    try:
        outcome = recorded_cycle(work, trigger)
        outsides.database.note_cycle(work.client_id, None)
        return Ended(outcome, work.tally, shortfall=work.shortfall)
    except SyncdError as error:
        outsides.database.note_cycle(work.client_id, error)
        if isinstance(error, LeaseLost):
            outsides.keeper.drop(client.plan.client_id)
        return Ended(outcome_of(error), work.tally, error)
