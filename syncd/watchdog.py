"""Looks every few seconds whether all cycles move, logs it when that changes, and tells the service manager."""

from collections.abc import Mapping
from datetime import datetime

from syncd.liveness import Liveness, Stalled
from syncd.logs import get_logger
from syncd.service_manager import ServiceManager

log = get_logger(__name__)


class Watchdog:
    """Belongs to the daemon's main thread: if that one stands still, nobody tells the service manager that all is well."""

    def __init__(self, liveness: Liveness, manager: ServiceManager) -> None:
        self._liveness, self._manager = liveness, manager
        # The first due time that was seen of each client's next cycle, and `Liveness.runs` at that time.
        self._expected: dict[str, tuple[datetime, int]] = {}
        self._told: dict[str, Stalled] = {}

    def pause(self, longest: float) -> float:
        """Return the seconds until the next `look`: at most `longest`, and half of what the service manager allows."""
        return min(longest, (self._manager.watchdog or 2 * longest) / 2)

    def forget(self, client_id: str) -> None:
        """Forget when a cycle of the client was due: its schedule or the clock has changed."""
        self._expected.pop(client_id, None)
        self._liveness.note_due(client_id, due=False)

    def look(self, next_runs: Mapping[str, datetime], now: datetime) -> None:
        """Log what stands still now and did not before, or moves again, and tell the service manager.

        Args:
            next_runs: when the next cycle of each client is due.
        """
        for client_id, next_run in next_runs.items():
            runs = self._liveness.runs(client_id)
            due_at, runs_then = self._expected.setdefault(client_id, (next_run, runs))
            if runs != runs_then:
                due_at, _ = self._expected[client_id] = next_run, runs
            self._liveness.note_due(client_id, due=due_at <= now)
        report = {each.client_id: each for each in self._liveness.report()}
        for client_id, stalled in report.items():
            if client_id not in self._told:
                _log_stalled(stalled)
        for client_id in self._told.keys() - report.keys():
            log.info("cycle_moves_again", client_id=client_id)
        self._told = report
        if not report:
            self._manager.alive()
        self._manager.status(_status(self._liveness.running(), report, next_runs))


def _log_stalled(stalled: Stalled) -> None:
    seconds = round(stalled.seconds)
    if stalled.kind == "overdue":
        log.error("cycle_overdue", client_id=stalled.client_id, seconds=seconds)
    else:
        log.error("cycle_stalled", client_id=stalled.client_id, seconds=seconds)


def _status(running: list[str], stalled: Mapping[str, Stalled], next_runs: Mapping[str, datetime]) -> str:
    """Return one line for `systemctl status`: what stands still, what runs, and when the next cycle is due."""
    parts = [f"Stalled: {', '.join(stalled)}."] if stalled else []
    parts += [f"Syncing {', '.join(running)}."] if running else []
    waiting = {client_id: at for client_id, at in next_runs.items() if client_id not in running}
    if waiting:
        client_id = min(waiting, key=lambda each: waiting[each])
        local = waiting[client_id].astimezone().isoformat(" ", "seconds")
        parts.append(f"Next cycle: {client_id} at {local}.")
    return " ".join(parts) or "No cycle is due."
