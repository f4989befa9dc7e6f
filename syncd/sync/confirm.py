"""Stage 3: confirms to PitchYou what is safe here. It reads that from the database, and from nowhere else."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from syncd.backoff import LONGEST
from syncd.errors import ApiError, ApiRefused, ApiUnavailable
from syncd.logs import get_logger
from syncd.store import confirmations
from syncd.store.confirmations import Ready
from syncd.sync.narrowing import write_narrowed
from syncd.sync.pair import change_mark, list_as_confirmed
from syncd.sync.work import Work

log = get_logger(__name__)

NOT_FOUND = 404
# For a single id: PitchYou does not wait for its confirm, or not any more.
ALREADY_CONFIRMED = (NOT_FOUND, 409)
TOO_MANY_REQUESTS = 429
# One bad id may cause it, and a page or noise in place of an answer as well.
SERVER_ERROR = 500
_NO_ANSWER = ("web_page", "unclear")
READ_TOGETHER = 5000  # ids to read from the outbox at once; they are confirmed in smaller groups
# Attempts at one request. Fewer for the halves of a group, where one failure causes many requests.
ATTEMPTS, ATTEMPTS_OF_HALVES = 4, 2
RETRY_REFUSED = LONGEST  # seconds until a refused id is retried
RETRY_AFTER_ERROR = 300.0  # seconds, for an id that may not have caused the server's error
FRUITLESS_LIMIT = 8  # refused ids without an accepted one, after which the request itself must be wrong


@dataclass(slots=True)
class _Answers:
    """How many ids PitchYou has accepted and refused so far, and how many accepted ones Postgres refuses to record."""

    accepted: int = 0
    refused: int = 0
    unrecorded: int = 0


def confirm_ready(work: Work, only: Collection[str] | None = None) -> None:
    """Confirms every application whose newest revision is stored with all its media.

    Confirms nothing if the list could not be fetched, since PitchYou would apply the confirm to versions that we have
    not seen; and nothing without the media root, since the files of what we confirm may be lost with it.

    After a crash between PitchYou's answer and our record of it, the next cycle confirms again, which is harmless. The
    other order would lose the application.

    Args:
        only: the applications to look at, for example those that have just got a file. None means all.

    Raises:
        ApiUnavailable: PitchYou gave no clear answer; the next cycle confirms the same ids again.
        ApiRefused: PitchYou refuses every confirm.
        MediaStoreFailed: the media root is not there.
        NotOurPair: the media root is not the one that belongs to this database any more.
        ListTooOld: the machine was suspended after it had read the list.
    """
    answers = _Answers()
    more = work.plan.confirm and work.listed_at is not None
    while more:
        work.deadline.check()
        if only is None:
            ready = work.store.read(confirmations.ready, READ_TOGETHER)
        else:
            ready = work.store.read(confirmations.ready_of, only)
        if ready:
            if work.unmarked:
                change_mark(work)
            list_as_confirmed(work, ready)
        for group in _groups(ready, work.plan.confirm_batch):
            work.deadline.check()
            _confirm(work, group, answers)
        more = only is None and len(ready) == READ_TOGETHER and not answers.unrecorded


def _groups(ready: list[Ready], size: int) -> Iterator[list[Ready]]:
    """Gives groups of `size`. An id that was refused before comes alone, so that it cannot spoil a group again."""
    fresh = [application for application in ready if not application.refused_before]
    for start in range(0, len(fresh), size):
        yield fresh[start : start + size]
    yield from ([application] for application in ready if application.refused_before)


def _confirm(work: Work, group: list[Ready], answers: _Answers, attempts: int = ATTEMPTS) -> None:
    """Confirms a group. After a refusal or a server error, halves the group until the bad ids stand alone."""
    try:
        ids = [application.wire_id for application in group]
        work.api.confirm(ids, work.deadline, attempts=attempts, before_send=work.require_confirmable)
    except (ApiRefused, ApiUnavailable) as error:
        if not _may_be_one_id(work, error):
            raise
        if len(group) > 1:
            middle = len(group) // 2
            # Nobody waits twice for an answer that does not come.
            attempts = ATTEMPTS_OF_HALVES if error.status else 1
            _confirm(work, group[:middle], answers, attempts)
            _confirm(work, group[middle:], answers, attempts)
            return
        if error.status not in ALREADY_CONFIRMED:
            _note_refusal(work, group[0], error, answers)
            return
        if error.status == NOT_FOUND and not answers.accepted:
            _require_confirm_exists(work)
    refused = write_narrowed(group, lambda some: work.store.write(confirmations.record, some))
    work.troubles += [error for _, error in refused]
    work.tally.confirmed += len(group) - len(refused)
    work.first_confirms += sum(application.first for application in group)
    answers.accepted += len(group)
    answers.unrecorded += len(refused)


def _may_be_one_id(work: Work, error: ApiError) -> bool:
    """Whether a single id may have caused the failure of a confirm, so that the others may be accepted.

    A proxy answers 502 or 504, or nothing comes, if the whole endpoint is down, but also if PitchYou fails at one id.
    Only another request tells which: an empty confirm gets an answer unless the endpoint is down.
    """
    if isinstance(error, ApiRefused) or error.status == SERVER_ERROR or error.kind in _NO_ANSWER:
        return True
    if error.status == TOO_MANY_REQUESTS or (isinstance(error, ApiUnavailable) and error.retry_after):
        return False
    try:
        with suppress(ApiRefused):
            work.api.confirm([], work.deadline, attempts=1)
    except ApiUnavailable:
        return False
    return True


def _require_confirm_exists(work: Work) -> None:
    """Distinguishes a 404 for an id from a 404 for the address, by confirming an empty list."""
    try:
        work.api.confirm([], work.deadline)
    except ApiRefused as error:
        if error.status == NOT_FOUND:
            raise ApiRefused(
                "PitchYou answers every confirm with HTTP 404, even an empty one: check base_url",
                status=NOT_FOUND,
            ) from None


def _note_refusal(work: Work, application: Ready, error: ApiError, answers: _Answers) -> None:
    """Puts an id aside for a while. Raises `ApiRefused` if PitchYou has refused many ids and accepted none."""
    code = error.code
    work.tally.confirm_refused += 1
    log.warning("confirm_refused", client_id=work.client_id, profile_id=application.profile_id, error=code)
    retry_in = RETRY_AFTER_ERROR if isinstance(error, ApiUnavailable) else RETRY_REFUSED
    work.store.write(confirmations.record_refusal, application, code, retry_in=retry_in)
    answers.refused += 1
    if answers.refused >= FRUITLESS_LIMIT and not answers.accepted:
        raise ApiRefused(
            f"PitchYou refused all of {answers.refused} confirms ({f'HTTP {error.status}' if error.status else code}): "
            "check confirm_wrapper and the client's rights",
            status=error.status,
        ) from None
