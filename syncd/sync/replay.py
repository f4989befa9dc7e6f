"""Reads the stored payloads again, with the present field map, and replaces the rows that differ: `syncd replay`.

It needs no PitchYou: the bytes of each application's newest revision are in `ats.application_raw`. What it writes is what
a landing of the same bytes would write, except that it raises no revision and confirms nothing. `ops.replay` records how
far it has come, in the transactions that write, so that after a crash the next replay continues.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd import __version__
from syncd.deadline import Deadline
from syncd.errors import Stopped
from syncd.logs import get_logger
from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou import UnknownFields, element_of, read_profile
from syncd.store import replays
from syncd.store.application_rows import Landing
from syncd.store.differences import Difference, differences
from syncd.store.replays import Stored
from syncd.store.rewriting import rewrite
from syncd.sync.changes import BATCH_BYTES, weight
from syncd.sync.client_store import ClientReader, ClientStore
from syncd.sync.drift import begin_recount, end_recount, note_drift
from syncd.sync.land import refused_value
from syncd.sync.narrowing import write_narrowed

log = get_logger(__name__)

MAX_NAMED = 20
NO_PAYLOAD = "its payload is not stored"


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a payload is read. `phone_region` is the country of phone numbers without a country code."""

    fields: FieldMap
    timezone: ZoneInfo
    phone_region: str

    def digest(self) -> bytes:
        """Returns 32 bytes that differ if the same payload may be read in another way."""
        facts = [asdict(self.fields), self.timezone.key, self.phone_region, __version__]
        return hashlib.sha256(json.dumps(facts).encode()).digest()


@dataclass(slots=True)
class Replayed:
    """What a replay has done, or would do in a dry run.

    Attributes:
        applications: those that were looked at, also before an interruption.
        changed: those whose rows were replaced.
        left_alone: those that cannot be read any more, that Postgres refuses, or whose payload is not stored.
        columns: for how many applications each column differed, since the process began.
        named: the first of those that were left alone since the process began, each with the reason.
        resumed: whether an earlier replay was continued.
    """

    applications: int = 0
    changed: int = 0
    left_alone: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)
    resumed: bool = False


Progress = Callable[[Replayed, int], None]


def replay(
    store: ClientStore, rules: Rules, deadline: Deadline, batch_size: int, progress: Progress
) -> Replayed:
    """Reads every stored application of the client again, as the holder of its lease.

    Args:
        batch_size: the maximum number of applications in one transaction.
        progress: called after each transaction with what was done, and the number of applications in all.

    Raises:
        Stopped: on request, between two transactions. The next replay continues.
        LeaseLost, DatabaseUnavailable: nothing is lost either.
    """
    begun = store.write(replays.begin, rules.digest())
    done = Replayed(begun.applications, begun.changed, begun.left_alone, resumed=bool(begun.after))
    if not begun.after:
        begin_recount(store)
    total = store.read(replays.count)
    unknown = UnknownFields(rules.fields)
    for batch in _batches(store, rules, deadline, begun.after, batch_size):
        # Before the batch is recorded: after a crash in between, a field may be counted twice, but none is missing.
        for profile, _ in batch.readable:
            unknown.add(profile)
        note_drift(store, unknown)
        _write(store, batch, rules.phone_region, done)
        progress(done, total)
    store.write(replays.finish)
    end_recount(store)
    return done


def rehearse(
    reader: ClientReader, rules: Rules, deadline: Deadline, batch_size: int, progress: Progress
) -> Replayed:
    """Counts what `replay` would do. Needs no lease, so it may run beside a daemon."""
    done, total = Replayed(), reader.read(replays.count)
    for batch in _batches(reader, rules, deadline, "", batch_size):
        _count(done, reader.read(differences, batch.readable, rules.phone_region))
        _leave(done, reader.client_id, batch.left_alone)
        done.applications += batch.size
        progress(done, total)
    return done


@dataclass(frozen=True, slots=True)
class _Batch:
    """Applications to write together: the readable ones, and the ids of all others with the reason."""

    readable: list[Landing]
    left_alone: list[tuple[str, str]]
    last: str

    @property
    def size(self) -> int:
        return len(self.readable) + len(self.left_alone)


def _batches(
    reader: ClientReader, rules: Rules, deadline: Deadline, after: str, batch_size: int
) -> Iterator[_Batch]:
    """Reads the applications that follow `after` in the order of their ids, as many as memory allows at a time."""
    while stored := reader.read(replays.following, after, batch_size, BATCH_BYTES):
        readable: list[Landing] = []
        left_alone: list[tuple[str, str]] = []
        held = 0
        for each in stored:
            if held and held + weight(each.payload or b"") > BATCH_BYTES:
                yield _Batch(readable, left_alone, after)
                readable, left_alone, held = [], [], 0
            if deadline.stopping:
                raise Stopped("stopped on request; run `syncd replay` again")
            profile = _read(each, rules)
            if isinstance(profile, Profile):
                readable.append((profile, each.revision))
            else:
                left_alone.append((each.profile_id, profile))
            held += weight(each.payload or b"")
            after = each.profile_id
        yield _Batch(readable, left_alone, after)


def _read(stored: Stored, rules: Rules) -> Profile | str:
    """Parses a stored payload. Returns why it cannot be parsed, or is not this application's."""
    if stored.payload is None:
        return NO_PAYLOAD
    profile = read_profile(element_of(stored.payload), rules.fields, rules.timezone, stored.received_at)
    if isinstance(profile, BadProfile):
        return profile.reason
    return profile if profile.profile_id == stored.profile_id else "its payload names another profileId"


def _write(store: ClientStore, batch: _Batch, region: str, done: Replayed) -> None:
    """Replaces what differs, and records the progress in the same transactions."""

    def write(some: list[Landing]) -> None:
        _count(done, store.write(_rewrite, some, region))
        done.applications += len(some)

    left_alone = batch.left_alone.copy()
    for (profile, _), error in write_narrowed(batch.readable, write):
        left_alone.append((profile.profile_id, refused_value(error)))
    if left_alone:
        counts = {"applications": len(left_alone), "changed": 0, "left_alone": len(left_alone)}
        store.write(replays.advance, batch.last, **counts)
        done.applications += len(left_alone)
        _leave(done, store.client_id, left_alone)


def _rewrite(connection: Connection, client_id: str, some: list[Landing], region: str) -> list[Difference]:
    """Returns what differed and was replaced."""
    found = rewrite(connection, client_id, differences(connection, client_id, some, region))
    last = some[-1][0].profile_id
    replays.advance(connection, client_id, last, applications=len(some), changed=len(found), left_alone=0)
    return found


def _count(done: Replayed, found: list[Difference]) -> None:
    done.changed += len(found)
    for each in found:
        done.columns.update((*each.facts, *each.below))


def _leave(done: Replayed, client_id: str, left_alone: list[tuple[str, str]]) -> None:
    done.left_alone += len(left_alone)
    for profile_id, reason in left_alone:
        log.warning("profile_left_alone", client_id=client_id, profile_id=profile_id, reason=reason)
    done.named += left_alone[: MAX_NAMED - len(done.named)]
