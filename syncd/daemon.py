"""Runs the daemon: each client on its own schedule, one cycle per client at a time, until a stop is requested."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from syncd.crew import Crew, Member, Next, Replaced, Scheduled
from syncd.errors import DatabaseUnavailable, LeaseHeld
from syncd.liveness import Liveness
from syncd.logs import get_logger
from syncd.model import Outcome
from syncd.readiness import tell_when_ready
from syncd.service_manager import ServiceManager
from syncd.store.cycles import Tally
from syncd.sync.client_cycle import Ended, Outsides, run_once
from syncd.template_updates import update_templates
from syncd.watchdog import Watchdog

__all__ = ["Daemon", "Scheduled"]

log = get_logger(__name__)

# All in seconds.
# How long a cycle may take to finish its current step after a stop. A container gets 30 s in all.
GRACE = 25.0
# How often to check the clock, and by how much it may differ: time servers make smaller corrections all the time.
CLOCK_LOOK = 5.0
CLOCK_TOLERANCE = 1.0
# How often to fetch the interview templates.
TEMPLATES_EVERY = 86_400.0
# When to retry a cycle that Postgres interrupted or prevented.
AFTER_OUTAGE = 30.0


MOST_THREADS = 10_000


class Daemon:
    """Runs cycles in threads, one for each client, so that no client waits for another.

    A cycle that fails is logged, and runs again on its schedule. Only a stop ends the daemon.
    """

    def __init__(
        self,
        clients: Sequence[Scheduled],
        outsides: Outsides,
        stop: threading.Event,
        manager: ServiceManager | None = None,
    ) -> None:
        self._crew, self._outsides, self._stop = Crew(clients, stop), outsides, stop
        self._started = threading.Event()
        self._standing_by: set[str] = set()
        self._manager = manager or ServiceManager({})
        self.liveness = Liveness()
        self._observers: list[Callable[[str, Ended], object]] = []
        self._watchdog = Watchdog(self.liveness, self._manager)
        # A run is skipped while the previous run is still going on. That is intended, but APScheduler would warn.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                # It starts no more threads than it needs.
                "default": ThreadPoolExecutor(MOST_THREADS),
                # A separate thread, so that a slow list of templates does not delay any cycle.
                "templates": ThreadPoolExecutor(1),
            },
            # One run makes up for all missed runs, however late. A second instance finds the client busy and ends, unless
            # the first instance has just finished its last step, which APScheduler cannot know.
            job_defaults={"max_instances": 2, "coalesce": True, "misfire_grace_time": None},
        )

    def run(self) -> bool:
        """Run until a stop is requested. Return whether every cycle then finished its step within `GRACE`."""
        clients = self._crew.scheduled()
        for scheduled in clients:
            self._add_jobs(scheduled)
        self._scheduler.start()
        self._started.set()
        log.info("daemon_started", clients=len(clients))
        # In a thread, because a disk may stand still.
        told = (self.client_ids, self._outsides, self._manager, self._stop)
        threading.Thread(target=tell_when_ready, args=told, name="ready", daemon=True).start()
        self._watch_the_clock()
        self._crew.stop_all()
        self._manager.stopping()
        log.info("daemon_stopping")
        self._scheduler.shutdown(wait=False)
        finished = self._crew.wait(GRACE)
        log.info("daemon_stopped") if finished else log.error("daemon_stopped_in_the_middle")
        return finished

    def observe(self, observer: Callable[[str, Ended], object]) -> None:
        """Call `observer` with the client's id and how its cycle ended, after each cycle, in the thread of the cycle.

        Call this before `run`. The observer must neither wait nor raise.
        """
        self._observers.append(observer)

    def close(self) -> None:
        """Close the connections of all clients to PitchYou."""
        self._crew.close()

    def replace(self, clients: Sequence[Scheduled], outsides: Outsides) -> Replaced:
        """Work for these clients, with these outsides, from now on. See `Crew.replace`.

        The first cycle of an added or a changed client begins at once, or after the running one.
        """
        self._started.wait()
        self._outsides = outsides
        replaced = self._crew.replace(clients)
        for client_id in replaced.removed:
            with suppress(JobLookupError):
                self._scheduler.remove_job(client_id)
                self._scheduler.remove_job(_templates_job(client_id))
            self._watchdog.forget(client_id)
        for client_id in replaced.idle:
            outsides.keeper.release(client_id)
            self._crew.leave(client_id)
        for scheduled in clients:
            if scheduled.client_id in replaced.added:
                self._add_jobs(scheduled)
            if scheduled.client_id in replaced.changed:
                self._scheduler.modify_job(scheduled.client_id, trigger=scheduled.trigger)
            if scheduled.client_id in (*replaced.added, *replaced.changed):
                self._watchdog.forget(scheduled.client_id)
                self._cycle_now(scheduled.client_id)
        return replaced

    def _add_jobs(self, scheduled: Scheduled) -> None:
        self._scheduler.add_job(
            self._cycle,
            scheduled.trigger,
            args=[scheduled.client_id],
            id=scheduled.client_id,
            next_run_time=datetime.now(UTC),
        )
        self._scheduler.add_job(
            self._templates,
            IntervalTrigger(seconds=TEMPLATES_EVERY, timezone=UTC),
            args=[scheduled.client_id],
            id=_templates_job(scheduled.client_id),
            executor="templates",
            next_run_time=datetime.now(UTC),
        )

    def _watch_the_clock(self) -> None:
        """Wait for a stop. If the clock is set back meanwhile, start every client's next cycle at once.

        APScheduler uses the time of day, so it would wait for the clock to catch up. If the clock is set forward, or the
        machine was suspended, cycles may be due while APScheduler still sleeps, because it sleeps for a fixed number of
        seconds. Then wake it up.
        """
        offset = _clock_offset()
        while not self._stop.wait(self._watchdog.pause(CLOCK_LOOK)):
            self._watchdog.look(self._next_runs(), datetime.now(UTC))
            before, offset = offset, _clock_offset()
            if offset < before - CLOCK_TOLERANCE:
                log.warning("clock_set_back", seconds=round(before - offset))
                for client_id in self.client_ids():
                    self._watchdog.forget(client_id)
                    self._look_again(client_id, 0.0)
                    self._look_again(_templates_job(client_id), 0.0)
            elif offset > before + CLOCK_TOLERANCE:
                self._scheduler.wakeup()

    def client_ids(self) -> list[str]:
        """Return the clients that the daemon works for now."""
        return [scheduled.client_id for scheduled in self._crew.scheduled()]

    def _next_runs(self) -> dict[str, datetime]:
        """Return when the next cycle of each client is due."""
        jobs = [self._scheduler.get_job(client_id) for client_id in self.client_ids()]
        return {job.id: job.next_run_time for job in jobs if job}

    def sync_now(self) -> None:
        """Start each client's next cycle at once. If a cycle is running, start another one after it."""
        log.info("sync_requested")
        for client_id in self.client_ids():
            self._cycle_now(client_id)

    def _cycle_now(self, client_id: str) -> None:
        if not self._crew.request(client_id):
            self._look_again(client_id, 0.0)

    def _cycle(self, client_id: str) -> None:
        """Run a cycle, then another one as long as one was requested meanwhile. Do nothing if one is running already.

        This method logs and swallows every failure, since no caller could handle it.
        """
        self.liveness.note_run(client_id)
        following = Next.ANOTHER_CYCLE if self._crew.enter(client_id) else Next.NOTHING
        while following is not Next.NOTHING:
            if following is Next.RELEASE:
                self._outsides.keeper.release(client_id)
            else:
                with self._crew.at_work(client_id) as member:
                    if member:
                        self._run_cycle(member, client_id)
            following = self._crew.leave(client_id)

    def _run_cycle(self, member: Member, client_id: str) -> None:
        beat = self.liveness.begin(client_id, cycle_deadline=member.client.plan.cycle_deadline)
        # How it ended if it did not even begin, or by a bug. Nothing ended if it was another process's turn.
        ended: Ended | None = Ended(Outcome.FAILED, Tally())
        try:
            ended = run_once(
                member.client,
                self._outsides,
                trigger="schedule",
                stop=member.stop,
                next_start_at=lambda: self._next_start_of(client_id),
                beat=beat,
            )
            self._standing_by.discard(client_id)
            if isinstance(ended.error, DatabaseUnavailable):
                self._tell(client_id, ended.error)
                self._look_again(client_id, AFTER_OUTAGE)
        except LeaseHeld as error:
            ended = None
            self._stand_by(client_id, error)
        except DatabaseUnavailable as error:
            self._tell(client_id, error)
            self._look_again(client_id, AFTER_OUTAGE)
        except Exception:
            log.exception("cycle_crashed", client_id=client_id)
        finally:
            self.liveness.end(client_id)
            if ended:
                for observer in self._observers:
                    observer(client_id, ended)

    def _next_start_of(self, client_id: str) -> datetime | None:
        job = self._scheduler.get_job(client_id)
        return job.next_run_time if job else None

    @staticmethod
    def _tell(client_id: str, error: DatabaseUnavailable) -> None:
        """Log that Postgres refuses syncd or keeps blocking it. The `Database` logs an outage, once for all clients."""
        if not error.logged:
            log.error("cycle_failed", client_id=client_id, error=error)

    def _templates(self, client_id: str) -> None:
        """Update the interview templates. The cycle does not include them, because nothing is lost without them."""
        with self._crew.at_work(client_id) as member:
            again = update_templates(member.client, self._outsides.database, member.stop) if member else None
        if again is not None:
            self._look_again(_templates_job(client_id), again)

    def _stand_by(self, client_id: str, held: LeaseHeld) -> None:
        """Retry before the lease expires, since the process that holds it may die."""
        if client_id not in self._standing_by:
            log.info("client_synced_elsewhere", client_id=client_id, reason=str(held))
        self._standing_by.add(client_id)
        self._look_again(client_id, self._outsides.keeper.ttl / 3)

    def _look_again(self, job_id: str, seconds: float) -> None:
        """Start the job's next run in `seconds`, unless it is due earlier."""
        look_again = datetime.now(UTC) + timedelta(seconds=seconds)
        # The scheduler may have been stopped meanwhile.
        with suppress(JobLookupError):
            job = self._scheduler.get_job(job_id)
            if job and job.next_run_time > look_again:
                self._scheduler.modify_job(job_id, next_run_time=look_again)


def _templates_job(client_id: str) -> str:
    return f"templates of {client_id}"


def _clock_offset() -> float:
    """Return the time of day minus the monotonic clock.

    The process may be paused between the two reads. Then read both again.
    """
    while True:
        began, now = time.monotonic(), time.time()
        if time.monotonic() - began < CLOCK_TOLERANCE / 2:
            return now - began
