"""Notices that a database and a media root do not belong together, because one of them was restored or is a copy.

Both know a mark for each client: a random token with a number, which changes before each confirm that depends on new rows
or files. If one of the two comes from a backup, it has an older mark. Then a confirmed application may be missing from it,
and PitchYou may not have it any more.

The mark changes in three steps, each durable before the next one: the database announces the next token, the media root
gets it, the database makes it the present one. Only then is anything confirmed. So after a crash between two steps the
media root has the present or the announced token, and after a restore it has neither. An announcement is never made
earlier than it is needed: a backup that had it would pass for a crash. The lease and the fence let nobody else change
the mark meanwhile.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from syncd.deadline import Deadline
from syncd.errors import DataRefused, NotOurPair
from syncd.logs import get_logger
from syncd.media.confirmed import note_confirmed
from syncd.media.vault import Vault
from syncd.model import Mark
from syncd.shown import quoted
from syncd.store import marks
from syncd.store.confirmations import Ready
from syncd.store.marks import Known
from syncd.sync.client_store import ClientReader
from syncd.sync.concerned import Concerned, concerned
from syncd.sync.work import Work

log = get_logger(__name__)

MAX_NAMED = 20
_TOKEN_BYTES = 12


class Mismatch(StrEnum):
    """Why a database and a media root do not belong together."""

    DATABASE_OLDER = "database_older"
    DISK_OLDER = "disk_older"
    ANOTHER_STORE = "another_store"


_SAYS = {
    Mismatch.DATABASE_OLDER: "the database is older than the media root",
    Mismatch.DISK_OLDER: "the media root is older than the database",
    Mismatch.ANOTHER_STORE: "the media root belongs to another store",
}


def mismatch_of(known: Known, on_disk: Mark | None) -> Mismatch | None:
    """Compares the two marks. Returns None if they belong together, also after a crash between the steps of a change."""
    if on_disk is None:
        # Without a stored file, none can be missing.
        return Mismatch.DISK_OLDER if known.token and known.has_stored else None
    if on_disk.store != known.store:
        return Mismatch.ANOTHER_STORE
    if on_disk.token in (known.token, known.next_token):
        return None
    if on_disk.generation == known.generation:
        # A copy of this database has changed the mark.
        return Mismatch.ANOTHER_STORE
    newer = on_disk.generation > known.generation
    return Mismatch.DATABASE_OLDER if newer else Mismatch.DISK_OLDER


def look(store: ClientReader, vault: Vault) -> tuple[Known, Mark | None]:
    """Reads both marks as they were at one moment, although another process may be changing them."""
    while True:
        before, known, on_disk = (
            vault.mark(store.client_id),
            store.read(marks.known),
            vault.mark(store.client_id),
        )
        if before == on_disk:
            return known, on_disk


def require_pair(store: ClientReader, vault: Vault, deadline: Deadline) -> None:
    """Raises `NotOurPair` unless the client's rows and files belong together. Needs no lease, and changes nothing."""
    known, on_disk = look(store, vault)
    if mismatch := mismatch_of(known, on_disk):
        raise NotOurPair(
            _sentence(store.client_id, mismatch, on_disk, known, concerned(store, vault, deadline))
        )


def require_own_pair(work: Work, known: Known) -> Mark | None:
    """Raises `NotOurPair` as `require_pair` does, and logs the id of each application concerned, up to a limit.

    Returns the mark on the media root.

    Args:
        known: what the database knew when the lease was ours already. Since then, nobody else can have changed it.
    """
    on_disk = work.vault.mark(work.client_id)
    if mismatch := mismatch_of(known, on_disk):
        found = concerned(work.store, work.vault, work.deadline)
        for profile_ids, reason in (
            (found.without_row, "it has files in the media root, but no row for them"),
            (
                found.only_confirmed,
                "it was confirmed, but the database does not have it, or only an older revision",
            ),
            (found.without_file, "its files are missing from the media root"),
        ):
            for profile_id in profile_ids[:MAX_NAMED]:
                log.warning(
                    "application_not_paired", client_id=work.client_id, profile_id=profile_id, reason=reason
                )
        raise NotOurPair(_sentence(work.client_id, mismatch, on_disk, known, found))
    return on_disk


def change_mark(work: Work) -> None:
    """Gives the database and the media root a new mark. Call it before a confirm that depends on new rows or files.

    Raises:
        NotOurPair: the mark on the media root is not ours any more. Nothing was changed.
        MediaStoreFailed: the media root is not there, or takes no file.
    """
    work.require_disk()
    on_disk = work.vault.mark(work.client_id)
    if (on_disk and on_disk.store != work.store_id) or not _change(work, on_disk):
        require_own_pair(work, work.store.read(marks.known))
        # A trigger or rule of others has left the row as it was.
        raise DataRefused("")


def list_as_confirmed(work: Work, ready: Sequence[Ready]) -> None:
    """Lists on the media root what is about to be confirmed, for a database that will be restored to before this moment.

    Raises:
        MediaStoreFailed: the disk takes no bytes.
    """
    revisions = ((application.profile_id, application.revision) for application in ready)
    note_confirmed(work.vault.beneath, work.client_id, datetime.now(UTC), revisions)


def _change(work: Work, on_disk: Mark | None) -> bool:
    """Takes the three steps. Returns False if the database does not know the mark on the media root."""
    token = secrets.token_hex(_TOKEN_BYTES)
    if work.mark_unsettled:
        # Otherwise, a power failure could take back the mark that the database is going to call the present one.
        work.vault.settle_marks()
    generation = work.store.write(marks.begin, on_disk, token)
    if generation is None:
        return False
    work.mark_unsettled = True
    work.vault.set_mark(work.client_id, Mark(work.store_id, generation, token), fence=work.lease.fence)
    work.store.write(marks.finish, token)
    work.unmarked = work.mark_unsettled = False
    return True


def accept(work: Work, disk_of: str | None) -> tuple[Mismatch, Concerned] | None:
    """Takes the client's rows and files as they are for a pair, and records which applications are concerned.

    Args:
        disk_of: the id of the store whose media root may be taken over, if it is not ours.

    Returns:
        What was accepted; None if the two belonged together already.

    Raises:
        NotOurPair: the media root belongs to another store than ours and `disk_of`. Nothing was changed.
    """
    known, on_disk = look(work.store, work.vault)
    mismatch = mismatch_of(known, on_disk)
    if mismatch is None:
        return None
    found = concerned(work.store, work.vault, work.deadline)
    if on_disk and on_disk.store not in (known.store, disk_of):
        raise NotOurPair(_sentence(work.client_id, mismatch, on_disk, known, found))
    work.vault.prepare(work.client_id)
    work.vault.take_over(work.client_id, work.lease.fence)
    on_disk = work.vault.mark(work.client_id)
    without_row = sorted({*found.without_row, *found.only_confirmed})
    work.store.write(marks.accept, on_disk, mismatch.value, without_row, found.without_file)
    work.store_id = known.store
    if not _change(work, on_disk):
        raise DataRefused("")
    log.warning("pair_accepted", client_id=work.client_id, reason=_SAYS[mismatch])
    return mismatch, found


def _sentence(
    client_id: str, mismatch: Mismatch, on_disk: Mark | None, known: Known, found: Concerned
) -> str:
    option = ""
    if on_disk and on_disk.store != known.store:
        option = f" --disk-of {quoted(on_disk.store, 80)}"
    copied = mismatch is Mismatch.ANOTHER_STORE and not option
    parts = [
        f"client '{client_id}': {_SAYS[mismatch]}{', a copy of this one' * copied}. Use the right pair, or run "
        f"`syncd verify --accept{option}`; see docs/backup.md"
    ]
    if found.without_row or found.unnamed:
        parts.append(f"Files without a row: {_named(found.without_row, found.unnamed)}")
    if found.only_confirmed:
        parts.append(f"Confirmed, and not in the database: {_named(found.only_confirmed, 0)}")
    if found.without_file:
        parts.append(f"Rows without their files: {_named(found.without_file, 0)}")
    return ". ".join(parts)


def _named(profile_ids: Sequence[str], unnamed: int) -> str:
    shown = [quoted(profile_id, 80) for profile_id in profile_ids[:MAX_NAMED]]
    if more := len(profile_ids) - len(shown):
        shown.append(f"{more:,} more")
    if unnamed:
        shown.append(f"{unnamed:,} files of unknown applications")
    return ", ".join(shown)
