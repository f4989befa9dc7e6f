"""Stage 2: downloads the files that the database lists as pending, many at a time, outside of transactions."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from queue import SimpleQueue

from syncd.backoff import LONGEST
from syncd.errors import (
    NO_THREAD,
    ApiUnavailable,
    MediaStoreFailed,
    TooManyOpenFiles,
)
from syncd.logs import get_logger
from syncd.model import MediaState
from syncd.store import media
from syncd.store.media import Due, Fetched, NotFetched
from syncd.sync.download import download
from syncd.sync.narrowing import write_narrowed
from syncd.sync.work import Work

log = get_logger(__name__)

ROUND = 1000  # files to download between two confirms
RECORDED_TOGETHER = 100  # results to record in one transaction
FRUITLESS_LIMIT = 20  # failures in a row after which the media endpoint counts as down
_REDIRECTS = frozenset(f"http_{status}" for status in (301, 302, 303, 307, 308))


def fetch_rounds(work: Work) -> Iterator[set[str]]:
    """Downloads what is due, round by round, and gives the applications whose files each round was about.

    A later cycle reads a failed file from the database and retries it. Nothing stays in memory between two rounds, so a
    crash costs only the downloads that are not recorded yet, at most those of one round.
    """
    while True:
        work.deadline.check()
        due = work.store.read(media.due, ROUND, work.vault.max_bytes)
        if not due:
            return
        work.require_disk()
        _fetch(work, due)
        yield {each.key.profile_id for each in due}


def _fetch(work: Work, due: list[Due]) -> None:
    """Downloads one round and records every result, even if the round ends early."""
    results: list[Fetched | NotFetched] = []
    unsettled = False
    downloads = _Downloads(work, due)
    threads = min(work.plan.media_concurrency, len(due))
    with ThreadPoolExecutor(threads, thread_name_prefix=f"media-{work.client_id}") as pool:
        try:
            downloads.start(pool, threads)
            while result := downloads.next_result():
                results.append(result)
                if len(results) >= RECORDED_TOGETHER:
                    _record(work, results)
                work.deadline.check()
        except MediaStoreFailed:
            unsettled = True
            raise
        finally:
            downloads.end()
            results += iter(downloads.next_result, None)
            # A second fsync of the same folder would claim success.
            if unsettled:
                results = [result for result in results if isinstance(result, NotFetched)]
            _record(work, results)
    if downloads.failure:
        raise downloads.failure


class _Downloads:
    """One round of downloads. Each thread takes the next file by itself, so no thread waits while results are recorded.

    The results that are not recorded yet are at most those of one round.
    """

    def __init__(self, work: Work, due: list[Due]) -> None:
        self._work = work
        # Guards the next three; only the waiting thread uses `_running`.
        self._lock = threading.Lock()
        self._due = iter(due)
        self._fruitless = 0
        # The number of threads that have not ended for want of open files.
        self._downloading = 0
        # What ended the round early, if anything did.
        self.failure: BaseException | None = None
        self._running = 0
        # None says that a thread has ended.
        self._results: SimpleQueue[Fetched | NotFetched | None] = SimpleQueue()

    def start(self, pool: ThreadPoolExecutor, threads: int) -> None:
        """Starts this number of threads, or as many as there are. Without any, the files come one after the other."""
        self._downloading = threads
        for _ in range(threads):
            try:
                pool.submit(self._run)
            except RuntimeError:
                log.warning("threads_short", reason=NO_THREAD)
                break
            self._running += 1
        with self._lock:
            self._downloading -= threads - max(self._running, 1)
        if not self._running:
            self._running = 1
            self._run()

    def next_result(self) -> Fetched | NotFetched | None:
        """Waits for the next file and returns its result; None when all threads have ended."""
        while self._running:
            if result := self._results.get():
                return result
            self._running -= 1
        return None

    def end(self, failure: BaseException | None = None) -> None:
        """Lets no thread begin another file. Each thread finishes its present one."""
        with self._lock:
            self._due = iter(())
            self.failure = self.failure or failure

    def _run(self) -> None:
        try:
            while due := self._take():
                try:
                    result = download(self._work, due)
                except TooManyOpenFiles:
                    if self._leave(due):
                        return
                    raise
                self._results.put(result)
                self._count(result)
        except BaseException as error:
            # The waiting thread raises it again.
            self.end(error)
        finally:
            self._results.put(None)

    def _leave(self, due: Due) -> bool:
        """Hands the file on to the other threads, and lets this one end; returns False if it is the only one."""
        with self._lock:
            self._downloading -= 1
            if self._downloading:
                self._due = chain([due], self._due)
            return bool(self._downloading)

    def _take(self) -> Due | None:
        with self._lock:
            return next(self._due, None)

    def _count(self, result: Fetched | NotFetched) -> None:
        """Ends the round after too many failures in a row."""
        outage = isinstance(result, NotFetched) and result.state is MediaState.PENDING and not result.missing
        with self._lock:
            self._fruitless = self._fruitless + 1 if outage else 0
            fruitless = self._fruitless
        if fruitless >= FRUITLESS_LIMIT:
            error = result.error if isinstance(result, NotFetched) else ""
            raise ApiUnavailable(f"the last {fruitless} media files could not be downloaded ({error})")


def _record(work: Work, results: list[Fetched | NotFetched]) -> None:
    """Records results, after the names of the new files are durable."""
    if not results:
        return
    if any(isinstance(result, Fetched) for result in results):
        work.vault.settle(work.client_id)
    refused = write_narrowed(results, lambda some: work.store.write(media.record, some))
    for result, _ in refused:
        results.remove(result)
    _count(work, results)
    results.clear()
    for result, refusal in refused:
        code = f"postgres_{refusal.sqlstate or 'none'}"
        again = NotFetched(result.key, MediaState.PENDING, code, retry_in=LONGEST)
        # If Postgres refuses this as well, the stage ends: the file would be due again at once.
        work.store.write(media.record, [again])


def _count(work: Work, results: list[Fetched | NotFetched]) -> None:
    tally = work.tally
    for result in results:
        match result:
            case Fetched(_, file):
                tally.media_stored += 1
                tally.media_bytes += file.size_bytes
            case NotFetched(key, MediaState.PENDING, error) if error in _REDIRECTS:
                log.warning(
                    "media_redirected",
                    client_id=work.client_id,
                    profile_id=key.profile_id,
                    media_id=key.media_id,
                    error=error,
                )
            case NotFetched(key, MediaState.GONE | MediaState.REJECTED as state, error):
                tally.media_gone += state is MediaState.GONE
                tally.media_rejected += state is MediaState.REJECTED
                log.warning(
                    "media_gone" if state is MediaState.GONE else "media_rejected",
                    client_id=work.client_id,
                    profile_id=key.profile_id,
                    media_id=key.media_id,
                    error=error,
                )
