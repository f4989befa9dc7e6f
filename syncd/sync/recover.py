"""What an earlier process left behind: temporary files, and files that no application names any more."""

from sqlalchemy import Connection

from syncd.errors import MediaStoreFailed
from syncd.store import clients, leases, media
from syncd.sync.work import Work

_CHUNK = 50


def take_over(work: Work) -> None:
    """Make the client's row and folder ready, and remove what holders of earlier leases left half done."""
    plan = work.plan
    registration = clients.Registration(
        plan.client_id, plan.label, plan.timezone, plan.retention_days, plan.raw_retention_days
    )
    with work.outlast():
        _require_mounted(work)
        work.vault.prepare(plan.client_id)
        work.vault.take_over(plan.client_id, work.lease.fence)
    if not work.read(lambda c: _is_registered(c, work, registration)):
        work.write(lambda c: clients.register(c, registration))


def _require_mounted(work: Work) -> None:
    client = work.client_id
    if not work.vault.has_folder(client) and work.read(lambda c: media.has_stored(c, client)):
        raise MediaStoreFailed(
            f"the media root has no folder of client '{client}', whose files were stored there: mount its disk. "
            f"If they are lost, make the folder {work.vault.root / client} and run `syncd verify --repair`"
        )


def _is_registered(connection: Connection, work: Work, registration: clients.Registration) -> bool:
    # Now that our folder is there: who takes the lease from here on finds it, and removes it.
    leases.require_now(connection, work.lease)
    return clients.is_registered(connection, registration)


def remove_unnamed_files(work: Work) -> None:
    """Remove the files that changed profiles do not name any more, from the list that landing left."""
    while work.read(lambda c: media.removals(c, work.client_id, 1)):
        work.write(lambda c: _remove_some(c, work))
        work.deadline.check()


def _remove_some(connection: Connection, work: Work) -> None:
    """Remove a few files and strike them off the list.

    Inside the transaction, unlike anything else on disk: its lock on the lease keeps a successor from storing a file
    of the same name until this process is done, or until it has taken over from one that stands still. Removing a file
    again, after a crash or a retry, is harmless.
    """
    removals = media.removals(connection, work.client_id, _CHUNK)
    for key, wanted in removals:
        if not wanted:
            work.vault.remove(work.client_id, key, fence=work.lease.fence)
    if removals:
        media.forget_removals(connection, work.client_id, [key for key, _ in removals])
