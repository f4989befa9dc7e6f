"""What the stages of one cycle share: the plan, the three outsides, and what has happened so far."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, ApiUnavailable, BadAnswer, ListTooOld, MediaStoreFailed, SyncdError
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.store import cycles, leases
from syncd.store.cycles import Tally
from syncd.store.engine import Database
from syncd.store.leases import Lease
from syncd.store.status import Shortfall

T = TypeVar("T")
PATIENCE = 60.0  # seconds for which a cycle waits for a Postgres that is away


@dataclass(frozen=True, slots=True)
class Plan:
    """How to sync one client. Times are in seconds. The defaults are those of the settings."""

    client_id: str
    label: str | None
    timezone: str
    retention_days: int | None
    raw_retention_days: int | None
    batch_size: int
    cycle_deadline: float
    max_polls: int
    media_concurrency: int
    media_gone_after: float
    media_retry: float
    confirm_batch: int
    confirm: bool


@dataclass(slots=True)
class Work:
    """One cycle's work for one client, under its lease. `progress` is called after each step that got work done."""

    plan: Plan
    api: PitchYou
    database: Database
    vault: Vault
    lease: Lease
    deadline: Deadline
    cycle_id: int = 0
    tally: Tally = field(default_factory=Tally)
    listed_at: float | None = (
        None  # when the newest list was asked for, by Postgres' clock; None until it is landed
    )
    listed: int = 0  # elements of the newest list answer, for the progress display
    progress: Callable[["Work"], None] = lambda work: None
    troubles: list[SyncdError] = field(default_factory=list)
    shortfall: Shortfall | None = None  # what is open at the end; None until then
    bad: set[bytes] = field(default_factory=set)  # fingerprints of what this cycle found unreadable

    @property
    def client_id(self) -> str:
        """The tenant this cycle works for."""
        return self.plan.client_id

    def write(self, statements: Callable[[Connection], T]) -> T:
        """Run `statements` in one transaction that only the lease's holder may commit."""

        def fenced(connection: Connection) -> T:
            leases.require(connection, self.lease)
            result = statements(connection)
            if self.cycle_id:
                cycles.beat(connection, self.cycle_id)
            return result

        result = self.database.transact(fenced, self._until_written(), patience=PATIENCE)
        self.progress(self)
        return result

    def read(self, query: Callable[[Connection], T]) -> T:
        """Run `query` in a transaction of its own."""
        return self.database.transact(query, self._until_written(), patience=PATIENCE)

    def require_lease(self) -> float:
        """Raise `LeaseLost` unless the lease is ours at this moment: whoever has it now knows better what to ask and say.

        What is asked of PitchYou for a client, the list and the confirms, is asked right behind this, each try of it: a
        process that was frozen or waited in between would confirm what has changed since.

        Returns:
            This moment, in seconds of Postgres' clock.
        """
        return self.read(lambda c: leases.require_now(c, self.lease))

    def require_confirmable(self) -> None:
        """`require_disk` and `require_lease`, and raise `ListTooOld` if the list is older than a cycle may take.

        The deadline's own clock stands still while a machine is suspended; Postgres' does not.
        """
        self.require_disk()
        age = self.require_lease() - (self.listed_at or 0.0)
        if age > self.plan.cycle_deadline:
            raise ListTooOld(
                "the list is too old by now to confirm what it named; the next cycle reads it anew"
            )

    def require_disk(self) -> None:
        """Raise `MediaStoreFailed` unless the media root is there: without it each file is missing, also those that are on it."""
        if not self.vault.is_ours(self.client_id, self.lease.fence):
            self.require_lease()  # another may have taken it over
            raise MediaStoreFailed("the media root is not there any more: mount its disk")

    def _until_written(self) -> Deadline:
        # The deadline is asked between two attempts only, so the transaction in hand is finished in any case: what
        # PitchYou has told us once it may never tell again.
        return self.deadline.anew(PATIENCE)

    @contextmanager
    def outlast(self) -> Iterator[None]:
        """Let the other stages go on when this one's outside fails; the cycle reports it at its end."""
        try:
            yield
        except (ApiUnavailable, ApiRefused, BadAnswer, MediaStoreFailed) as error:
            self.troubles.append(error)
