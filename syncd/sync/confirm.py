"""Stage 3: what is safe here is confirmed to PitchYou, read from the database and from nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from syncd.errors import ApiRefused
from syncd.logs import get_logger
from syncd.store import confirmations, leases
from syncd.store.confirmations import Ready
from syncd.sync.work import Work

log = get_logger(__name__)

ALREADY_CONFIRMED = (404, 409)  # for one id alone: PitchYou does not wait for it (any more)
READ_TOGETHER = 5000  # ids read from the outbox at once; they are confirmed in smaller groups
RETRY_REFUSED = 3600.0  # seconds until an id that was refused is tried again
FRUITLESS_LIMIT = 8  # refused ids without a single accepted one: the request itself must be wrong


@dataclass(slots=True)
class _Answers:
    """How PitchYou has answered for single ids and whole groups so far."""

    accepted: int = 0
    refused: int = 0


def confirm_ready(work: Work) -> None:
    """Confirm every application whose newest revision is stored with all its media.

    A crash between PitchYou's answer and our note of it makes the next cycle confirm again, which is harmless;
    the other order would lose the application.

    Raises:
        ApiUnavailable: no clear answer; the same ids are confirmed again by the next cycle.
        ApiRefused: PitchYou refuses whatever is confirmed.
    """
    answers = _Answers()
    more = work.plan.confirm
    while more:
        work.deadline.check()
        ready = work.read(lambda c: _ready(c, work))
        for group in _groups(ready, work.plan.confirm_batch):
            work.deadline.check()
            _confirm(work, group, answers)
        more = len(ready) == READ_TOGETHER


def _ready(connection: Connection, work: Work) -> list[Ready]:
    leases.require(connection, work.lease)
    return confirmations.ready(connection, work.client_id, READ_TOGETHER)


def _groups(ready: list[Ready], size: int) -> Iterator[list[Ready]]:
    """Groups of `size`. Ids that were refused before go alone, so that they cannot take others with them again."""
    fresh = [application for application in ready if not application.refused_before]
    for start in range(0, len(fresh), size):
        yield fresh[start : start + size]
    yield from ([application] for application in ready if application.refused_before)


def _confirm(work: Work, group: list[Ready], answers: _Answers) -> None:
    """Confirm a group, halved on refusal until the bad ids stand alone."""
    try:
        work.api.confirm([application.wire_id for application in group], work.deadline)
    except ApiRefused as error:
        if len(group) > 1:
            middle = len(group) // 2
            _confirm(work, group[:middle], answers)
            _confirm(work, group[middle:], answers)
            return
        if error.status not in ALREADY_CONFIRMED:
            _note_refusal(work, group[0], f"http_{error.status}")
            answers.refused += 1
            if answers.refused >= FRUITLESS_LIMIT and not answers.accepted:
                raise ApiRefused(
                    f"PitchYou refused each of {answers.refused} confirms (HTTP {error.status}): "
                    "check confirm_wrapper and the client's rights",
                    status=error.status,
                ) from None
            return
    work.write(lambda c: confirmations.record(c, work.client_id, group))
    work.tally.confirmed += len(group)
    answers.accepted += len(group)


def _note_refusal(work: Work, application: Ready, error: str) -> None:
    work.tally.confirm_refused += 1
    log.warning("confirm_refused", client_id=work.client_id, profile_id=application.profile_id, error=error)
    work.write(
        lambda c: confirmations.record_refusal(c, work.client_id, application, error, retry_in=RETRY_REFUSED)
    )
