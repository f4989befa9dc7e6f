"""Clears up after earlier processes: temporary files, and files that no application names any more."""

from math import ceil

from sqlalchemy import Connection

from syncd.errors import MediaStoreFailed, PathRefused
from syncd.media.vault import Vault
from syncd.model import MediaKey
from syncd.store import clients, leases, marks, media, stored_files
from syncd.store.leases import Lease
from syncd.sync.client_store import ClientReader
from syncd.sync.pair import change_mark, require_own_pair
from syncd.sync.work import Work

_CHUNK = 50


def take_over(work: Work) -> None:
    """Prepares the client's row and folder, and removes what holders of earlier leases left half done.

    Raises:
        AnotherServer: `base_url` leads to another server than before; nothing was changed.
        NotOurPair: the database and the media root do not belong together; nothing was changed.
    """
    plan = work.plan
    registration = clients.Registration(
        plan.label,
        plan.timezone,
        plan.retention_days,
        plan.raw_retention_days,
        work.api.server,
        None if plan.longest_gap is None else ceil(plan.longest_gap),
    )
    known = work.store.read(_known, work.api.server)
    work.store_id, work.mark_unsettled = known.store, known.next_token is not None
    with work.outlast():
        require_mounted(work.store, work.vault)
        on_disk = require_own_pair(work, known)
        work.vault.prepare(plan.client_id)
        work.vault.take_over(plan.client_id, work.lease.fence)
        # From now on the disk has a mark: without one, it would be an older disk as soon as a file is stored.
        if known.token is None or on_disk is None:
            change_mark(work)
    if not work.store.read(_is_registered, work.lease, registration):
        work.store.write(clients.register, registration)


def _known(connection: Connection, client_id: str, server: str) -> marks.Known:
    clients.require_server(connection, client_id, server)
    return marks.known(connection, client_id)


def require_mounted(store: ClientReader, vault: Vault) -> None:
    """Raises `MediaStoreFailed` if files of the client were stored, but its folder is not there."""
    client = store.client_id
    if not vault.has_folder(client) and store.read(media.has_stored):
        raise MediaStoreFailed(
            f"the media root has no folder of client '{client}', although files were stored in it: mount its disk. "
            f"If the files are lost, make the folder {vault.root / client} and run `syncd verify --accept --repair`"
        )


def _is_registered(
    connection: Connection, client_id: str, lease: Lease, registration: clients.Registration
) -> bool:
    # Our folder exists now. So a process that takes the lease after this moment finds the folder and removes it.
    leases.require_now(connection, lease)
    return clients.is_registered(connection, client_id, registration)


def remove_unnamed_files(work: Work) -> None:
    """Removes the files that changed profiles do not name any more. Landing has listed them in `ops.media_removal`.

    Raises:
        MediaStoreFailed: the disk fails, or refuses to remove one of the files. Then all others were removed.
    """
    after, refused = MediaKey("", ""), 0
    while work.store.read(stored_files.removals, after, 1):
        after, kept = work.store.write(_remove_some, work, after)
        refused += kept
        work.deadline.check()
    if refused:
        raise MediaStoreFailed(
            f"the disk refuses to remove files that no application names any more ({refused} of them, see "
            "ops.media_removal). Check the owner and the rights of their folders in the media root."
        )


def _remove_some(connection: Connection, client_id: str, work: Work, after: MediaKey) -> tuple[MediaKey, int]:
    """Removes a few files and strikes them off the list.

    This is the only work on disk inside a transaction. The transaction locks the lease, so a successor cannot store a
    file of the same name until this process is done, or until the successor has taken over from a process that stands
    still. Removing a file twice, after a crash or a retry, is harmless.

    Returns:
        The key of the last file, and the number of files that the disk refuses to remove.
    """
    removals = stored_files.removals(connection, client_id, after, _CHUNK)
    done: list[MediaKey] = []
    for key, wanted in removals:
        try:
            if not wanted:
                work.vault.remove(client_id, key, fence=work.lease.fence)
        # This file cannot be removed, but the next one may be.
        except PathRefused:
            if not work.vault.is_ours(client_id, work.lease.fence):
                raise
            continue
        done.append(key)
    if done:
        stored_files.forget_removals(connection, client_id, done)
    return (removals[-1][0] if removals else after), len(removals) - len(done)
