"""Stage 3: what is safe here is confirmed to PitchYou, read from the database and from nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.backoff import LONGEST
from syncd.errors import ApiError, ApiRefused, ApiUnavailable
from syncd.logs import get_logger
from syncd.store import confirmations
from syncd.store.confirmations import Ready
from syncd.sync.work import Work

log = get_logger(__name__)

NOT_FOUND = 404
ALREADY_CONFIRMED = (NOT_FOUND, 409)  # for one id alone: PitchYou does not wait for it (any more)
SERVER_ERROR = 500  # what one bad id may cause; 502 to 504 speak of the whole endpoint
READ_TOGETHER = 5000  # ids read from the outbox at once; they are confirmed in smaller groups
ATTEMPTS, ATTEMPTS_OF_HALVES = 4, 2  # at one request; few where many requests follow from one failure
RETRY_REFUSED = LONGEST  # seconds until an id that was refused is tried again
RETRY_AFTER_ERROR = 300.0  # seconds, where the server's error may not have been the id's fault
FRUITLESS_LIMIT = 8  # refused ids without a single accepted one: the request itself must be wrong


@dataclass(slots=True)
class _Answers:
    """How PitchYou has answered for single ids and whole groups so far."""

    accepted: int = 0
    refused: int = 0


def confirm_ready(work: Work) -> None:
    """Confirm every application whose newest revision is stored with all its media.

    Nothing while the list cannot be had, since PitchYou would take the confirm for versions that we have not seen; nor while
    the media root is not there, since it may be lost with the files of what is confirmed.

    A crash between PitchYou's answer and our note of it makes the next cycle confirm again, which is harmless;
    the other order would lose the application.

    Raises:
        ApiUnavailable: no clear answer; the same ids are confirmed again by the next cycle.
        ApiRefused: PitchYou refuses whatever is confirmed.
        MediaStoreFailed: the media root is not there.
        ListTooOld: the machine was suspended since it was read.
    """
    answers = _Answers()
    more = work.plan.confirm and work.listed_at is not None
    while more:
        work.deadline.check()
        ready = work.read(lambda c: confirmations.ready(c, work.client_id, READ_TOGETHER))
        for group in _groups(ready, work.plan.confirm_batch):
            work.deadline.check()
            _confirm(work, group, answers)
        more = len(ready) == READ_TOGETHER


def _groups(ready: list[Ready], size: int) -> Iterator[list[Ready]]:
    """Groups of `size`. Ids that were refused before go alone, so that they cannot take others with them again."""
    fresh = [application for application in ready if not application.refused_before]
    for start in range(0, len(fresh), size):
        yield fresh[start : start + size]
    yield from ([application] for application in ready if application.refused_before)


def _confirm(work: Work, group: list[Ready], answers: _Answers, attempts: int = ATTEMPTS) -> None:
    """Confirm a group; on a refusal, and on the error of a server that works, halve it until the bad ids stand alone."""
    try:
        ids = [application.wire_id for application in group]
        work.api.confirm(ids, work.deadline, attempts=attempts, before_send=work.require_confirmable)
    except (ApiRefused, ApiUnavailable) as error:
        if isinstance(error, ApiUnavailable) and error.status != SERVER_ERROR:
            raise
        if len(group) > 1:
            middle = len(group) // 2
            _confirm(work, group[:middle], answers, ATTEMPTS_OF_HALVES)
            _confirm(work, group[middle:], answers, ATTEMPTS_OF_HALVES)
            return
        if error.status not in ALREADY_CONFIRMED:
            _note_refusal(work, group[0], error, answers)
            return
        if error.status == NOT_FOUND and not answers.accepted:
            _require_confirm_exists(work)
    work.write(lambda c: confirmations.record(c, work.client_id, group))
    work.tally.confirmed += len(group)
    answers.accepted += len(group)


def _require_confirm_exists(work: Work) -> None:
    """Tell a 404 for an id from a 404 for the address, by confirming nothing at all."""
    try:
        work.api.confirm([], work.deadline)
    except ApiRefused as error:
        if error.status == NOT_FOUND:
            raise ApiRefused(
                "PitchYou answers every confirm with HTTP 404, even an empty one: check base_url",
                status=NOT_FOUND,
            ) from None


def _note_refusal(work: Work, application: Ready, error: ApiError, answers: _Answers) -> None:
    """Put an id aside for a while; when no other was accepted, the request itself must be wrong."""
    code = f"http_{error.status}"
    work.tally.confirm_refused += 1
    log.warning("confirm_refused", client_id=work.client_id, profile_id=application.profile_id, error=code)
    retry_in = RETRY_AFTER_ERROR if error.status == SERVER_ERROR else RETRY_REFUSED
    work.write(
        lambda c: confirmations.record_refusal(c, work.client_id, application, code, retry_in=retry_in)
    )
    answers.refused += 1
    if answers.refused >= FRUITLESS_LIMIT and not answers.accepted:
        raise ApiRefused(
            f"PitchYou refused each of {answers.refused} confirms (HTTP {error.status}): "
            "check confirm_wrapper and the client's rights",
            status=error.status,
        ) from None
