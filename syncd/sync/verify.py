"""Compares every stored file with its row, finds files without one, and brings back what is damaged."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import MediaStoreFailed
from syncd.media.paths import path_of
from syncd.media.vault import Vault
from syncd.model import MediaKey, StoredFile
from syncd.store import media
from syncd.store.database import Database
from syncd.sync.fetch import fetch_rounds
from syncd.sync.recover import take_over
from syncd.sync.work import Work

_CHUNK = 500
_FIRST = MediaKey("", "")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `key` is None for a file that no row names; `path` is relative to the media root."""

    kind: Literal["missing", "damaged", "orphan"]
    path: str
    key: MediaKey | None = None


def find_faults(client_id: str, database: Database, vault: Vault, deadline: Deadline) -> Iterator[Fault]:
    """Read every file of the client; whole ones are marked as verified now."""
    after = _FIRST
    while rows := database.transact(
        lambda c: media.stored_after(c, client_id, after, _CHUNK),  # noqa: B023 - runs at once
        deadline,
    ):
        whole = []
        for key, file in rows:
            deadline.check()
            if fault := _fault(vault, key, file):
                yield fault
            else:
                whole.append(key)
        if whole:
            database.transact(lambda c: media.note_verified(c, client_id, whole), deadline)  # noqa: B023
        after = rows[-1][0]
    paths = vault.files(client_id)
    while chunk := list(islice(paths, _CHUNK)):
        known = database.transact(lambda c: _known(c, client_id, chunk), deadline)
        yield from (Fault("orphan", path) for path in chunk if path not in known)


def _known(connection: Connection, client_id: str, paths: list[str]) -> set[str]:
    """Those of `paths` that are a row's: its file was stored there, or a crash came before the row knew of it."""
    rows = media.rows_of(connection, client_id, paths)
    return {path or path_of(client_id, key) for key, path in rows}.intersection(paths)


def _fault(vault: Vault, key: MediaKey, file: StoredFile) -> Fault | None:
    try:
        measured = vault.measure(file.storage_path)
    except MediaStoreFailed:  # a sector that cannot be read any more; those of other files can
        measured = (0, b"")
    if measured is None:
        return Fault("missing", file.storage_path, key)
    return None if measured == (file.size_bytes, file.sha256) else Fault("damaged", file.storage_path, key)


def repair(work: Work, faults: list[Fault]) -> list[Fault]:
    """Download missing and damaged files again, and remove files that no row names.

    A damaged file stays where it is until its replacement is whole. What PitchYou does not have any more cannot be
    brought back; it is tried again by the next cycles.

    Returns:
        The faults that could not be mended now.

    Raises:
        MediaStoreFailed: the media root cannot be written, or is not mounted; nothing was changed.
    """
    take_over(work)
    if work.troubles:
        raise work.troubles[0]
    for fault in faults:
        if fault.key is None:
            path = fault.path
            work.write(lambda c: _remove_orphan(c, work, path))  # noqa: B023 - runs at once
        else:
            key = fault.key
            work.write(lambda c: media.reopen(c, work.client_id, key))  # noqa: B023 - runs at once
    for _files in fetch_rounds(work):
        pass
    return [fault for fault in faults if fault.key and not _is_stored(work, fault.key)]


def _remove_orphan(connection: Connection, work: Work, path: str) -> None:
    """Remove a file that no row names, unless another syncd has made it a stored one since; the lock keeps it so."""
    if not _known(connection, work.client_id, [path]):
        work.vault.remove_file(work.client_id, path, fence=work.lease.fence)


def _is_stored(work: Work, key: MediaKey) -> bool:
    return work.read(lambda c: media.is_stored(c, work.client_id, key))
