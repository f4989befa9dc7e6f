"""What an earlier process left behind: temporary files, and files that no application names any more."""

from syncd.store import clients, media_index
from syncd.sync.work import Work

_CHUNK = 500


def take_over(work: Work) -> None:
    """Make the client's row and folder ready, and remove what holders of earlier leases left half done."""
    plan = work.plan
    work.write(
        lambda c: clients.register(
            c,
            plan.client_id,
            label=plan.label,
            timezone=plan.timezone,
            retention_days=plan.retention_days,
            raw_retention_days=plan.raw_retention_days,
        )
    )
    with work.outlast():
        work.vault.prepare(plan.client_id)
        work.vault.remove_leftovers(plan.client_id, work.lease.fence)


def remove_unnamed_files(work: Work) -> None:
    """Remove the files that changed profiles do not name any more, from the list that landing left.

    The list is struck off after the files are gone, so a crash in between only repeats the removal.
    """
    while removals := work.read(lambda c: media_index.removals(c, work.client_id, _CHUNK)):
        work.deadline.check()
        for key, wanted in removals:
            if not wanted:
                work.vault.remove(work.client_id, key)
        keys = [key for key, _ in removals]
        work.write(lambda c: media_index.forget_removals(c, work.client_id, keys))  # noqa: B023 - runs at once
