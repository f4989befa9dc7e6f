"""Compares every stored file with its row, finds files without a row, and downloads damaged files again."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import MediaStoreFailed
from syncd.media.vault import Vault
from syncd.model import MediaKey, StoredFile
from syncd.store import media, stored_files
from syncd.store.database import Database
from syncd.sync.client_store import ClientReader
from syncd.sync.concerned import with_row, without_row
from syncd.sync.fetch import fetch_rounds
from syncd.sync.recover import take_over
from syncd.sync.work import Work

_CHUNK = 500
_FIRST = MediaKey("", "")


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is missing, damaged, or named by no row (then `key` is None). `path` is relative to the media root."""

    kind: Literal["missing", "damaged", "orphan"]
    path: str
    key: MediaKey | None = None


def find_faults(client_id: str, database: Database, vault: Vault, deadline: Deadline) -> Iterator[Fault]:
    """Reads every file of the client, gives the faults, and marks whole files as verified now."""
    store = ClientReader(database, client_id, deadline)
    after = _FIRST
    while rows := store.read(stored_files.stored_after, after, _CHUNK):
        whole = []
        for key, file in rows:
            deadline.check()
            if fault := _fault(vault, key, file):
                yield fault
            else:
                whole.append(key)
        if whole:
            note = partial(stored_files.note_verified, client_id=client_id, keys=whole)
            database.transact(note, deadline)
        after = rows[-1][0]
    for path in without_row(store, vault, deadline):
        yield Fault("orphan", path)


def _fault(vault: Vault, key: MediaKey, file: StoredFile) -> Fault | None:
    try:
        measured = vault.measure(file.storage_path)
    except MediaStoreFailed:
        # A bad sector: this file is damaged, other files may be readable.
        measured = (0, b"")
    if measured is None:
        return Fault("missing", file.storage_path, key)
    return None if measured == (file.size_bytes, file.sha256) else Fault("damaged", file.storage_path, key)


def repair(work: Work, faults: list[Fault]) -> list[Fault]:
    """Downloads missing and damaged files again, and moves files that no row names to `.lost`. Deletes no file.

    The database may be older than the files, or a copy that names the media root of another one. Then a file without a
    row is the last copy of what an applicant sent, and so is a file that differs from its row. A damaged file stays in
    place until its replacement is complete, and then in `.lost`. If PitchYou does not have a file any more, the next
    cycles try again to download it.

    Returns:
        The faults that could not be repaired now. `work.lost` names the files that are in `.lost` since this repair.

    Raises:
        MediaStoreFailed: the media root cannot be written, or is not mounted; nothing was changed.
    """
    take_over(work)
    if work.troubles:
        raise work.troubles[0]
    for fault in faults:
        if fault.key is None:
            work.store.write(_set_aside, work, fault.path)
        else:
            work.store.write(media.reopen, fault.key)
    for _profile_ids in fetch_rounds(work):
        pass
    return [fault for fault in faults if fault.key and not work.store.read(media.is_stored, fault.key)]


def _set_aside(connection: Connection, client_id: str, work: Work, path: str) -> None:
    """Moves a file that no row names, unless another syncd has stored it meanwhile. The lock prevents that from now on.

    A retried transaction finds the file moved already; then `lost` names it from the first time.
    """
    if not with_row(connection, client_id, [path]) and (
        moved := work.vault.set_aside(client_id, path, fence=work.lease.fence)
    ):
        work.lost[path] = moved
