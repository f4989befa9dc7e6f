"""One cycle for one client: land, fetch, confirm, each reading its to-do list from the database.

Follow a profile from top to bottom. It is listed, and `land_listed` commits its rows; from here on it is safe and
can be reported on. `fetch_rounds` brings the files that the rows name to disk. `confirm_ready` tells PitchYou about
applications whose files are all on disk, or gone for good. A crash anywhere is finished by the next cycle, because
no stage hands the next one anything but what it has committed.
"""

from contextlib import suppress
from dataclasses import asdict

from syncd.errors import DatabaseUnavailable, LeaseLost, Stopped, SyncdError
from syncd.logs import get_logger
from syncd.model import Outcome
from syncd.store import cycles, status
from syncd.store.cycles import Trigger
from syncd.sync.confirm import confirm_ready
from syncd.sync.fetch import fetch_rounds
from syncd.sync.land import land_listed
from syncd.sync.recover import remove_unnamed_files, take_over
from syncd.sync.work import Work

log = get_logger(__name__)


def run_cycle(work: Work) -> None:
    """Bring over what PitchYou lists, until a poll brings nothing new.

    When PitchYou or the disk fails in one stage, the others still do what they can.

    Raises:
        SyncdError: the first thing that went wrong, after everything else was done.
    """
    take_over(work)
    for _ in range(work.plan.max_polls):
        confirmed_before = work.tally.confirmed
        with work.outlast():
            land_listed(work)  # rows, committed: applications, answers, attachments, media (pending)
        with work.outlast():
            confirm_ready(work)  # what earlier cycles could not say any more, and what has no files
        with work.outlast():
            remove_unnamed_files(work)  # what a changed profile does not name any more
        with work.outlast():
            for _files in fetch_rounds(work):  # to disk, fsynced, then noted as stored
                confirm_ready(work)  # only what is stored, or gone for good
            confirm_ready(work)
        if work.troubles or work.tally.confirmed == confirmed_before:
            break
    if work.troubles:
        work.write(lambda connection: None)  # raises LeaseLost, if that is what lies behind the trouble
        raise work.troubles[0]


def recorded_cycle(work: Work, trigger: Trigger) -> Outcome:
    """Run a cycle, write its row in `ops.cycle`, and log its end once.

    Returns:
        OK, or PARTIAL when something is in quarantine, late, gone, rejected or not confirmed.

    Raises:
        SyncdError: why the cycle ended early or could not do all it should; its row says so too.
    """
    work.cycle_id = work.write(lambda c: cycles.begin(c, work.client_id, trigger))
    calls, retries = work.api.calls, work.api.retries
    outcome: Outcome | None = None
    error: Exception | None = None
    try:
        run_cycle(work)
        outcome = Outcome.PARTIAL if _is_partial(work) else Outcome.OK
        return outcome
    except Exception as caught:
        error = caught
        raise
    finally:
        work.tally.http_calls = work.api.calls - calls
        work.tally.http_retries = work.api.retries - retries
        _finish(work, outcome or outcome_of(error), error)


def outcome_of(error: Exception | None) -> Outcome:
    """How a cycle that ended with this error is to be called."""
    return Outcome.ABORTED if isinstance(error, Stopped | LeaseLost) else Outcome.FAILED


def _is_partial(work: Work) -> bool:
    work.shortfall = work.read(lambda c: status.shortfall(c, work.client_id))
    return bool(work.shortfall or work.tally.media_gone)


def _finish(work: Work, outcome: Outcome, error: Exception | None) -> None:
    """Write the cycle's end down and log it; an outage of Postgres has been logged already."""
    with suppress(DatabaseUnavailable, LeaseLost):  # then the next cycle marks the row as aborted
        work.write(lambda c: cycles.finish(c, work.cycle_id, work.tally, outcome, error))
    facts = {"client_id": work.client_id, "cycle_id": work.cycle_id, "outcome": outcome.value}
    if error is None or isinstance(error, Stopped):
        log.info("cycle_finished", **facts, **asdict(work.tally))
    elif isinstance(error, SyncdError) and not isinstance(error, DatabaseUnavailable):
        log.error("cycle_failed", **facts, error=error, **asdict(work.tally))
