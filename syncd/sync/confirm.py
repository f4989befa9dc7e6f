"""Stage 3: what is safe here is confirmed to PitchYou, read from the database and from nowhere else."""

from sqlalchemy import Connection

from syncd.errors import ApiRefused
from syncd.logs import get_logger
from syncd.store import confirmations, leases
from syncd.store.confirmations import Ready
from syncd.sync.work import Work

log = get_logger(__name__)

ALREADY_CONFIRMED = (404, 409)  # for one id alone: PitchYou does not wait for it (any more)
RETRY_REFUSED = 3600.0  # seconds until an id that was refused is tried again
FRUITLESS_LIMIT = 8  # refused ids without a single accepted one: the request itself must be wrong


def confirm_ready(work: Work) -> None:
    """Confirm every application whose newest revision is stored with all its media.

    A crash between PitchYou's answer and our note of it makes the next cycle confirm again, which is harmless;
    the other order would lose the application.

    Raises:
        ApiUnavailable: no clear answer; the same ids are confirmed again by the next cycle.
        ApiRefused: PitchYou refuses whatever is confirmed.
    """
    refused = accepted = 0
    while work.plan.confirm:
        work.deadline.check()
        ready = work.read(lambda c: _ready(c, work))
        for group in _groups(ready):
            good, bad = _confirm(work, group)
            accepted, refused = accepted + good, refused + bad
            if refused >= FRUITLESS_LIMIT and not accepted:
                raise ApiRefused(
                    f"PitchYou refused each of {refused} confirms: check confirm_wrapper and the client's rights"
                )
        if len(ready) < work.plan.confirm_batch:
            return


def _ready(connection: Connection, work: Work) -> list[Ready]:
    leases.require(connection, work.lease)
    return confirmations.ready(connection, work.client_id, work.plan.confirm_batch)


def _groups(ready: list[Ready]) -> list[list[Ready]]:
    """Ids that were refused before go alone, so that they cannot take the others with them again."""
    fresh = [application for application in ready if not application.refused_before]
    alone = [[application] for application in ready if application.refused_before]
    return [fresh, *alone] if fresh else alone


def _confirm(work: Work, group: list[Ready]) -> tuple[int, int]:
    """Confirm a group, halved on refusal until the bad ids stand alone. Returns (accepted, refused)."""
    try:
        work.api.confirm([application.wire_id for application in group], work.deadline)
    except ApiRefused as error:
        if len(group) > 1:
            middle = len(group) // 2
            first, second = _confirm(work, group[:middle]), _confirm(work, group[middle:])
            return first[0] + second[0], first[1] + second[1]
        if error.status not in ALREADY_CONFIRMED:
            _note_refusal(work, group[0], f"http_{error.status}")
            return 0, 1
    work.write(lambda c: confirmations.record(c, work.client_id, group))
    work.tally.confirmed += len(group)
    return len(group), 0


def _note_refusal(work: Work, application: Ready, error: str) -> None:
    work.tally.confirm_refused += 1
    log.warning("confirm_refused", client_id=work.client_id, profile_id=application.profile_id, error=error)
    work.write(
        lambda c: confirmations.record_refusal(c, work.client_id, application, error, retry_in=RETRY_REFUSED)
    )
