"""What of a list is to be landed: each profile once, and none whose bytes are those that are stored already.

A list may name years of applications of which ten are new, so what is known is told by a digest of its bytes, without a
look inside, and what is not is gathered to batches of full size.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.pitchyou import Listing, Unread

T = TypeVar("T")
S = TypeVar("S", Unread, Profile | BadProfile)
log = get_logger(__name__)

BATCH_BYTES = 8 * 1024 * 1024  # so that memory stays flat with large profiles as well
LOOKED_UP_TOGETHER = 500

# Which of these profile_ids are stored, each with the digest of its bytes.
KnownBytes = Callable[[list[str]], dict[str, bytes]]


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of the list: what is to be landed together, and how many others of it are stored with the same bytes."""

    profiles: list[Profile | BadProfile]
    unchanged: int = 0


def portions(listing: Listing, client_id: str, size: int, known_bytes: KnownBytes) -> Iterator[Portion]:
    """The whole list, at most `size` profiles to land at a time.

    Of profiles with one id the first given is the valid one. That holds for one that cannot be read as well: landing an
    older one in its place would confirm both.
    """
    pending: list[Profile | BadProfile] = []
    with _Ids() as seen:
        for elements in batches(listing.unread(), LOOKED_UP_TOGETHER):
            known = known_bytes([each.presumed_id for each in elements if each.presumed_id is not None])
            unchanged = 0
            for element in elements:
                same = (
                    element.presumed_id is not None and known.get(element.presumed_id) == element.raw_sha256
                )
                profile = None if same else element.read()
                profile_id = profile.profile_id if profile else element.presumed_id
                if profile_id is not None and not seen.add(profile_id):
                    log.warning("profile_listed_twice", client_id=client_id, profile_id=profile_id)
                elif profile:
                    pending.append(profile)
                else:
                    unchanged += 1
            *full, pending = list(batches(pending, size)) or [[]]
            yield Portion(
                full[0] if full else [], unchanged
            )  # one for each look-up, so that the next goes on meanwhile
            yield from map(Portion, full[1:])
        yield Portion(pending)


def batches(elements: Iterable[S], size: int) -> Iterator[list[S]]:
    """Lists of at most `size` elements and, but for a single larger one, `BATCH_BYTES` of payload."""
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
    """The same items, each made in a thread while the one before it is worked on."""
    source, end = iter(items), object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        upcoming = pool.submit(next, source, end)
        while (item := upcoming.result()) is not end:
            upcoming = pool.submit(next, source, end)
            yield item  # type: ignore[misc]  # `end` never comes here


class _Ids:
    """A set of ids that stays small in memory however many there are; SQLite keeps what is too much in an unlinked file."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")  # and never a commit: it is gone with the connection

    def __enter__(self) -> "_Ids":
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def add(self, value: str) -> bool:
        """Put an id in; False if it was there."""
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (value,)).rowcount == 1
