"""What the stages of one cycle share: the plan, the API, the store, the media root, and what has happened so far."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from syncd.deadline import Deadline
from syncd.errors import (
    ApiRefused,
    ApiUnavailable,
    BadAnswer,
    DataRefused,
    ListTooOld,
    MediaStoreFailed,
    SyncdError,
)
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou, UnknownFields
from syncd.store.cycles import Tally
from syncd.store.database import Database
from syncd.store.leases import Lease
from syncd.store.status import Shortfall
from syncd.sync.client_store import ClientStore
from syncd.sync.stage_clock import StageClock


@dataclass(frozen=True, slots=True)
class Plan:
    """How to sync a client. Times are in seconds. The settings have the defaults.

    `confirm_again` says whether to confirm listed applications that are confirmed already. `longest_gap` is the most time
    between two cycles by the schedule; None if there is no schedule.
    """

    client_id: str
    label: str | None
    timezone: str
    phone_region: str
    retention_days: int | None
    raw_retention_days: int | None
    batch_size: int
    cycle_deadline: float
    max_polls: int
    media_concurrency: int
    media_gone_after: float
    media_retry: float
    confirm_batch: int
    history_days: int
    confirm: bool
    confirm_again: bool = False
    longest_gap: float | None = None


@dataclass(slots=True)
class Work:
    """One cycle's work for one client, under its lease.

    Attributes:
        progress: called after each step that got work done.
        next_start_at: returns when the client's next cycle is due, or None if that is not known.
        is_awaited: whether a person waits for the end of this cycle, so that it is logged even if it did nothing.
        started_at: when the cycle began, by Postgres' clock; None before.
        listed_at: when the newest list was requested, by Postgres' clock; None until all of it is landed.
        first_confirms: the number of applications that this cycle has confirmed for the first time.
        listed: the number of elements in the newest list, for the progress display.
        more_listed: how the newest response said that PitchYou lists more than it contained; None if it did not.
        troubles: the failures that the cycle has outlasted so far.
        shortfall: what is open at the end of the cycle; None before the end.
        bad: the ids of the profiles that this cycle could not read or land, or their fingerprints.
        restless: the number of applications that have changed suspiciously often, and were not logged yet.
        store_id: the id of the store, in hexadecimal; empty until the client was taken over.
        unmarked: whether there may be rows or files that are newer than the mark on the media root.
        mark_unsettled: whether a crash or an error of the disk may have left a mark whose name is not durable.
        unknown: counts the fields of landed profiles that syncd does not know, and that were not noted yet.
        clock: measures the stages.
        retries: how often requests of this cycle were repeated, by reason; empty before the end.
        lost: the files that were put below `.lost`: the new path by the old one, relative to the media root.
    """

    plan: Plan
    api: PitchYou
    database: Database
    vault: Vault
    lease: Lease
    deadline: Deadline
    progress: Callable[["Work"], None] = lambda work: None
    next_start_at: Callable[[], datetime | None] = lambda: None
    tally: Tally = field(default_factory=Tally)
    is_awaited: bool = True
    started_at: datetime | None = None
    listed_at: float | None = None
    first_confirms: int = 0
    listed: int = 0
    more_listed: str | None = None
    troubles: list[SyncdError] = field(default_factory=list)
    shortfall: Shortfall | None = None
    bad: set[str | bytes] = field(default_factory=set)
    restless: int = 0
    clock: StageClock = field(default_factory=StageClock)
    retries: Counter[str] = field(default_factory=Counter)
    lost: dict[str, str] = field(default_factory=dict)
    store_id: str = ""
    unmarked: bool = True
    mark_unsettled: bool = True
    unknown: UnknownFields = field(init=False)
    store: ClientStore = field(init=False)

    def __post_init__(self) -> None:
        self.unknown = UnknownFields(self.api.fields)
        self.store = ClientStore(self.database, self.lease, self.deadline, lambda: self.progress(self))

    @property
    def client_id(self) -> str:
        """The client that this cycle works for."""
        return self.plan.client_id

    def require_confirmable(self) -> None:
        """Raises unless the media root is there, the lease is ours, and the list is recent enough to confirm by it.

        `Deadline` cannot tell the last: its clock stands still while a machine is suspended, and Postgres' does not.

        Raises:
            MediaStoreFailed: see `require_disk`.
            LeaseLost: another process has taken the client over.
            ListTooOld: the list is older than a cycle may take.
        """
        self.require_disk()
        age = self.store.require_lease() - (self.listed_at or 0.0)
        if age > self.plan.cycle_deadline:
            raise ListTooOld(
                "the list is too old to confirm the profiles that it named; the next cycle requests a new list"
            )

    def require_disk(self) -> None:
        """Raises `MediaStoreFailed` unless the media root is there. Without it, every file would count as missing."""
        if not self.vault.is_ours(self.client_id, self.lease.fence):
            # A new holder of the lease removes our folder, too.
            self.store.require_lease()
            raise MediaStoreFailed("the media root is not there any more: mount its disk")

    @contextmanager
    def outlast(self) -> Iterator[None]:
        """Lets the other stages go on after a failure in this one. The cycle reports it at its end.

        PitchYou or the disk may fail, or Postgres may refuse what this stage writes.
        """
        try:
            yield
        except (ApiUnavailable, ApiRefused, BadAnswer, DataRefused, MediaStoreFailed) as error:
            self.troubles.append(error)
        except SyncdError as error:
            # A plain one says what this machine is short of, such as room for temporary files.
            if type(error) is not SyncdError:
                raise
            self.troubles.append(error)
