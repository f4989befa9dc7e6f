"""Downloads one file, and decides what becomes of it if that fails."""

from syncd.backoff import LONGEST, delay
from syncd.errors import ApiRefused, ApiUnavailable, MediaStoreFailed, PathRefused
from syncd.media.expected import is_error_message
from syncd.media.incoming import FileTooLarge, IncomingFile, IncompleteFile
from syncd.media.paths import path_of
from syncd.model import MediaState
from syncd.pitchyou import limited
from syncd.store.media import Due, Fetched, NotFetched
from syncd.sync.work import Work

_MISSING = (404, 410)


def download(work: Work, due: Due) -> Fetched | NotFetched:
    """Download one file to disk, in a thread of the pool. Raise only the errors that end the whole stage."""
    key = due.key

    if found := _still_there(work, due):
        return found
    try:
        with (
            limited(work.deadline, work.plan.cycle_deadline / 2, "a media file") as until,
            work.vault.incoming(work.client_id, key, work.lease.fence) as file,
        ):
            work.api.media(
                key.profile_id, key.media_id, file, until, check=lambda: _require_no_error_message(file, due)
            )
            _keep_earlier(work, due)
            return Fetched(key, file.keep())
    except IncompleteFile:
        return _again(work, due, "truncated")
    except PathRefused as error:
        work.vault.require_works(work.client_id, work.lease.fence)
        return _again(work, due, error.code)
    except FileTooLarge:
        return NotFetched(key, MediaState.REJECTED, "too_large", size_limit=work.vault.max_bytes)
    except (ApiRefused, ApiUnavailable) as error:
        return (_missing if error.status in _MISSING else _again)(work, due, error.code)


def _require_no_error_message(file: IncomingFile, due: Due) -> None:
    """Raises `ApiUnavailable` if a page or an error message came in place of the file, as with a 5xx."""
    if is_error_message(file.sniffed, due.mime_type, due.file_name):
        raise ApiUnavailable("PitchYou sent an error message instead of a media file", kind="not_the_file")


def _still_there(work: Work, due: Due) -> Fetched | None:
    """Return the file that was stored before, if it is on disk again unchanged: for example, the disk was not mounted."""
    if due.before is None:
        return None
    try:
        file = work.vault.adopt(due.before.storage_path)
    # This file cannot be read, but the disk may accept a new one.
    except MediaStoreFailed:
        return None
    return Fetched(due.key, file) if file and file.sha256 == due.before.sha256 else None


def _keep_earlier(work: Work, due: Due) -> None:
    """Keep the earlier file below `.lost`. Its bytes are not those of its row, so nobody knows what they are worth."""
    if due.before and (kept := work.vault.keep(due.before.storage_path)):
        work.lost[due.before.storage_path] = kept


def _missing(work: Work, due: Due, error: str) -> Fetched | NotFetched:
    """Decide about a file that PitchYou does not have: retry it at first, give it up after `media_gone_after`.

    A crash may have left the complete file on disk without recording it. Then keep it, since it is the only copy.
    """
    gone_after = work.plan.media_gone_after
    missing_for = due.missing_for or 0.0
    if missing_for >= gone_after:
        try:
            file = None if due.before else work.vault.adopt(path_of(work.client_id, due.key))
        # This file cannot be read, but other files may be.
        except MediaStoreFailed:
            return _again(work, due, "unreadable")
        if file:
            return Fetched(due.key, file)
        work.require_disk()
        return NotFetched(due.key, MediaState.GONE, error, missing=True)
    retry_in = min(_backoff(work, due), gone_after - missing_for)
    return NotFetched(due.key, MediaState.PENDING, error, missing=True, retry_in=retry_in)


def _again(work: Work, due: Due, error: str) -> NotFetched:
    return NotFetched(due.key, MediaState.PENDING, error, retry_in=_backoff(work, due))


def _backoff(work: Work, due: Due) -> float:
    return delay(due.attempts, first=work.plan.media_retry, longest=LONGEST)
