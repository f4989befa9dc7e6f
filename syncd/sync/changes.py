"""Selects which listed profiles to land: each id once, skipping those whose bytes are already stored.

A list may name years of applications of which ten are new. So a stored profile is recognised by a digest of its bytes,
without parsing it, and the rest is collected into batches of full size.
"""

import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from syncd.errors import NO_THREAD, SyncdError
from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.pitchyou import Listing, Unread, values_in
from syncd.store import applications
from syncd.store.cycles import Tally
from syncd.sync.client_store import ClientReader

T = TypeVar("T")
S = TypeVar("S", Unread, Profile | BadProfile)
log = get_logger(__name__)

BATCH_BYTES = 8 * 1024 * 1024  # keeps memory flat with large profiles as well
VALUE_BYTES = 100  # of memory, for one JSON value
LOOKED_UP_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of the list: the profiles to land together, and the ids of others that are stored with the same bytes."""

    profiles: list[Profile | BadProfile]
    unchanged: Sequence[str] = ()

    @property
    def ids(self) -> list[str]:
        """The ids of all profiles in this part that have a valid one."""
        found = [profile.profile_id for profile in self.profiles if profile.profile_id is not None]
        return [*self.unchanged, *found]

    def count_into(self, tally: Tally) -> None:
        """Counts what the list named, and what is unchanged without a look inside."""
        tally.seen += len(self.profiles) + len(self.unchanged)
        tally.unchanged += len(self.unchanged)


def portions(listing: Listing, store: ClientReader, size: int) -> Iterator[Portion]:
    """Gives the whole list, at most `size` profiles to land at a time.

    If several profiles have one id, only the first counts, even if it is unreadable: landing an older one in its place
    would confirm both. 17 and "17" are two ids here; `applications.land` decides about them.
    """
    if listing.more:
        log.warning("list_incomplete", client_id=store.client_id, listed=len(listing), error=listing.more)
    pending: list[Profile | BadProfile] = []
    held = 0
    with _Ids() as seen:
        for elements in batches(listing.unread(), LOOKED_UP_TOGETHER):
            ids = [each.presumed_id for each in elements if each.presumed_id is not None]
            known = store.read(applications.known_bytes, ids)
            unchanged: list[str] = []
            for element in elements:
                same = (
                    element.presumed_id is not None and known.get(element.presumed_id) == element.raw_sha256
                )
                profile = None if same else element.read()
                profile_id = profile.profile_id if profile else element.presumed_id
                wire_ids = _wire_ids(element, profile)
                if sum(map(seen.add, wire_ids)) < len(wire_ids):
                    log.warning("profile_listed_twice", client_id=store.client_id, profile_id=profile_id)
                elif profile:
                    heavy = weight(profile.payload)
                    if pending and (len(pending) == size or held + heavy > BATCH_BYTES):
                        yield Portion(pending)
                        pending, held = [], 0
                    pending.append(profile)
                    held += heavy
                elif profile_id is not None:
                    unchanged.append(profile_id)
            # One portion for each look-up, even an empty one, so that the next look-up runs meanwhile.
            yield Portion([], unchanged)
        yield Portion(pending)


def _wire_ids(element: Unread, profile: Profile | BadProfile | None) -> list[str]:
    """Returns the profileId as JSON text: of a bad profile both as a text and as a number, since it may be either."""
    if isinstance(profile, BadProfile):
        profile_id = profile.profile_id
        return [] if profile_id is None else [profile_id, json.dumps(profile_id)]
    wire_id = profile.wire_id if profile else element.presumed_wire_id
    return [] if wire_id is None else [wire_id]


def weight(payload: bytes) -> int:
    """Returns about how many bytes of memory a profile takes once it is parsed."""
    return len(payload) + VALUE_BYTES * values_in(payload)


def batches(elements: Iterable[S], size: int) -> Iterator[list[S]]:
    """Gives lists of at most `size` elements and `BATCH_BYTES` of payload; a larger element comes alone."""
    batch: list[S] = []
    held = 0
    for element in elements:
        if batch and (len(batch) == size or held + len(element.payload) > BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(element)
        held += len(element.payload)
    if batch:
        yield batch


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """Gives the same items; a thread makes the next one while the caller works on the one before it.

    Without a thread, it is only slower.
    """
    source, end = iter(items), object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        try:
            pool.submit(int)
        except RuntimeError:
            log.warning("threads_short", reason=NO_THREAD)
            yield from source
            return
        upcoming = pool.submit(next, source, end)
        while (item := upcoming.result()) is not end:
            upcoming = pool.submit(next, source, end)
            yield item  # type: ignore[misc]  # `end` never comes here


class _Ids:
    """A set of ids that needs little memory, however many there are: SQLite moves most of them to an unlinked file."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
        # Never committed: the file goes with the connection.
        self._database.execute("BEGIN")

    def __enter__(self) -> "_Ids":
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def add(self, value: str) -> bool:
        """Adds an id; returns False if it was in the set already.

        Raises:
            SyncdError: the folder for temporary files is full, or there are too many open files.
        """
        try:
            return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (value,)).rowcount == 1
        except sqlite3.OperationalError:
            raise SyncdError(
                "the ids of a list could not be kept in a temporary file. Free space there, set TMPDIR to another folder, "
                "or allow more open files."
            ) from None
