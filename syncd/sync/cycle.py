"""One cycle for one client: land, fetch, confirm, report, each reading its to-do list from the database.

Follow a profile from top to bottom. PitchYou lists it, and `land_listed` commits its rows: from here on it is safe, and
reports show it. `fetch_rounds` downloads the files that the rows name. `confirm_ready` confirms the applications whose
files are all on disk, or gone for good. The next cycle finishes what a crash has interrupted, because a stage hands
nothing to the next stage but what it has committed.
"""

from contextlib import suppress
from dataclasses import asdict

from sqlalchemy import Connection

from syncd.errors import DatabaseUnavailable, LeaseLost, Stopped, SyncdError
from syncd.logs import get_logger
from syncd.model import Outcome
from syncd.store import cycles, status
from syncd.store.cycles import Trigger
from syncd.sync.confirm import confirm_ready
from syncd.sync.drift import note_drift
from syncd.sync.fetch import fetch_rounds
from syncd.sync.land import land_listed
from syncd.sync.recover import remove_unnamed_files, take_over
from syncd.sync.report import refresh_reports
from syncd.sync.work import Work

log = get_logger(__name__)


def run_cycle(work: Work) -> None:
    """Lands, fetches and confirms what PitchYou lists, until a poll brings nothing new.

    When PitchYou or the disk fails in one stage, the other stages still do what they can.

    Raises:
        SyncdError: the first failure, after everything else was done.
    """
    with work.clock.measure("recover"):
        take_over(work)
    for _ in range(work.plan.max_polls):
        confirmed_before = work.first_confirms
        # Each confirm depends on what is landed or stored before it.
        work.unmarked = True
        # Commits applications, answers, attachments, and media as pending.
        with work.clock.measure("land"):
            with work.outlast():
                land_listed(work)
            # Notes which fields of these applications syncd does not know.
            note_drift(work.store, work.unknown)
        # Confirms what earlier cycles could not confirm, and applications without files.
        with work.clock.measure("confirm"), work.outlast():
            confirm_ready(work)
        # Removes the files that a changed profile does not name any more.
        with work.clock.measure("recover"), work.outlast():
            remove_unnamed_files(work)
        # Brings files to disk, fsyncs them, then marks them as stored; confirms what has all of its files.
        with work.clock.measure("fetch"), work.outlast():
            for profile_ids in fetch_rounds(work):
                work.unmarked = True
                with work.clock.measure("confirm"):
                    confirm_ready(work, only=profile_ids)
            with work.clock.measure("confirm"):
                confirm_ready(work)
        # What has only changed makes no room in a capped list. Some fields change in each answer.
        if work.troubles or work.first_confirms == confirmed_before:
            break
    # Reports show what is committed now. Nothing that is confirmed depends on it.
    with work.clock.measure("report"), work.outlast():
        refresh_reports(work)
    if work.troubles:
        # Raises LeaseLost if that is the real cause.
        work.store.write(_nothing)
        raise work.troubles[0]


def _nothing(connection: Connection, client_id: str) -> None:
    """Writes nothing, so that `write` does no more than check the lease."""


def recorded_cycle(work: Work, trigger: Trigger) -> Outcome:
    """Runs a cycle, notes in `ops.client_state` and `ops.cycle` how it ended, and logs its end once.

    Returns:
        OK, or PARTIAL when something is in quarantine, late, gone, rejected, not confirmed or not listed.

    Raises:
        SyncdError: why the cycle ended early, or what it could not do; `ops.client_state` says so too.
    """
    work.started_at = work.store.write(cycles.begin, trigger)
    work.store.in_cycle = True
    calls, retries = work.api.calls, work.api.retries_by_reason
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
        work.retries = work.api.retries_by_reason - retries
        work.tally.http_retries = work.retries.total()
        _finish(work, outcome or outcome_of(error), error)


def outcome_of(error: Exception | None) -> Outcome:
    """Returns the outcome of a cycle that ended with this error."""
    return Outcome.ABORTED if isinstance(error, Stopped | LeaseLost) else Outcome.FAILED


def _is_partial(work: Work) -> bool:
    work.shortfall = work.store.read(status.shortfall)
    return bool(work.shortfall or work.tally.media_gone or work.more_listed)


def _finish(work: Work, outcome: Outcome, error: Exception | None) -> None:
    """Notes how the cycle ended, and logs it. An outage of Postgres is in the log already."""
    cycle_id: int | None = None
    # Whether there is something to tell at once.
    is_news = True
    work.store.in_cycle = False
    # If this cannot be written, the next cycle notes that this one was aborted.
    with suppress(DatabaseUnavailable, LeaseLost):
        cycle_id = work.store.write(
            cycles.finish,
            work.tally,
            outcome,
            error,
            history_days=work.plan.history_days,
            next_start_at=work.next_start_at(),
        )
        # A cycle with news has no cycle_id if the reply to its commit was lost.
        is_news = work.is_awaited or cycle_id is not None or error is not None or work.tally.did_something
    facts = {"client_id": work.client_id, "cycle_id": cycle_id, "outcome": outcome.value}
    if not is_news:
        log.debug("cycle_finished", **facts, **asdict(work.tally))
    elif error is None or isinstance(error, Stopped):
        log.info("cycle_finished", **facts, **asdict(work.tally))
    elif isinstance(error, SyncdError) and not isinstance(error, DatabaseUnavailable):
        log.error("cycle_failed", **facts, error=error, **asdict(work.tally))
