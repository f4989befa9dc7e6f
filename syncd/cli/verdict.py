"""Judges the status of clients by the limits of `[status]`, as plugins of Nagios do: OK, WARNING, CRITICAL, UNKNOWN."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from syncd.cli.triggers import next_run_at
from syncd.settings import ClientSettings, StatusSettings
from syncd.store.status import ClientStatus

# Added to missed runs, because a cycle takes some time.
_SPARE = timedelta(minutes=10)
_CRITICAL_AFTER = timedelta(hours=24)


class Verdict(IntEnum):
    """A verdict. Its number is the exit code that Nagios and its successors expect."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One limit that is exceeded. `message` names the client, and says what to do. `client_id` is None for all clients."""

    verdict: Verdict
    client_id: str | None
    message: str


def problems_of(
    client: ClientSettings, state: ClientStatus, limits: StatusSettings, now: datetime
) -> Iterator[Problem]:
    """List the limits that a client exceeds."""
    good = _of_last_good(client, state, limits, now)
    found = [
        (good, _last_good(state)),
        (
            _reached(state.failures, limits.failures_warning, limits.failures_critical),
            f"{_several(state.failures, 'cycle has', 'cycles have')} failed since the last good one{_because(state)}",
        ),
        (
            _reached(state.oldest_unconfirmed_age, limits.unconfirmed_warning, limits.unconfirmed_critical),
            f"{_several(state.unconfirmed, 'application is', 'applications are')} not confirmed, the oldest for {age(state.oldest_unconfirmed_age)}. "
            "PitchYou deletes applications after some time. Run `syncd status`, and look for the reason in the log.",
        ),
        (
            _reached(state.oldest_pending_age, limits.media_warning, limits.media_critical),
            f"{_several(state.pending_media, 'file is', 'files are')} not fetched, the oldest for {age(state.oldest_pending_age)}. "
            "See last_error in ats.media, and ask PitchYou for the files.",
        ),
        (
            _reached(state.quarantined, limits.quarantine_warning, limits.quarantine_critical),
            f"{_several(state.quarantined, 'profile is', 'profiles are')} in quarantine. Run `syncd quarantine list`.",
        ),
    ]
    for verdict, message in found:
        if verdict is not Verdict.OK:
            yield Problem(verdict, state.client_id, f"client '{state.client_id}': {message}")


def _of_last_good(
    client: ClientSettings, state: ClientStatus, limits: StatusSettings, now: datetime
) -> Verdict:
    if state.last_ok_at is None or state.last_ok_age is None:
        return Verdict.CRITICAL
    since = now - timedelta(seconds=state.last_ok_age)
    warning, critical = limits.good_warning, limits.good_critical
    if warning is None:
        warning = (_after_runs(client, since, 2) + _SPARE - since).total_seconds()
    if critical is None:
        missed = _after_runs(client, since, 1)
        critical = (
            max(missed + _CRITICAL_AFTER, _after_runs(client, since, 3) + _SPARE) - since
        ).total_seconds()
    return _reached(state.last_ok_age, warning, critical)


def _after_runs(client: ClientSettings, since: datetime, count: int) -> datetime:
    """Return when `count` runs will have been due after `since`."""
    for _ in range(count):
        # A cron line has at most one run in a minute, and its trigger counts a run that is due at this moment.
        since = next_run_at(client.schedule, client.schedule_timezone, since, since + timedelta(seconds=1))
    return since


def _reached(value: float | None, warning: float | None, critical: float | None) -> Verdict:
    if value is None:
        return Verdict.OK
    if critical is not None and value >= critical:
        return Verdict.CRITICAL
    return Verdict.WARNING if warning is not None and value >= warning else Verdict.OK


def _last_good(state: ClientStatus) -> str:
    if state.last_ok_age is None:
        what = "no cycle has ever ended well"
    else:
        what = f"no cycle has ended well for {age(state.last_ok_age)}"
    if state.holder is None:
        last = _because(state) if state.last_error else "."
        return f"{what}. No process works for this client: start `syncd run`{last}"
    return f"{what}{_because(state)}"


def _because(state: ClientStatus) -> str:
    return (
        f". The last cycle: {state.last_error}" if state.last_error else ". Look at the log of `syncd run`."
    )


def worst(problems: list[Problem]) -> Verdict:
    """Return the worst verdict. UNKNOWN does not occur here."""
    return max((problem.verdict for problem in problems), default=Verdict.OK)


def as_lines(problems: list[Problem], states: list[ClientStatus]) -> Iterator[str]:
    """Format the verdict: one line to begin with, then one line for each further problem, the worst first."""
    if not problems:
        oldest = max((state.last_ok_age or 0.0 for state in states), default=0.0)
        yield f"OK: {_several(len(states), 'client', 'clients')}, the oldest last good cycle is {age(oldest)} old"
        return
    first, *others = sorted(problems, key=lambda problem: -problem.verdict)
    more = f" ({len(others):,} more below)" if others else ""
    yield f"{first.verdict.name}: {_on_one_line(first.message)}{more}"
    for problem in others:
        yield f"{problem.verdict.name}: {_on_one_line(problem.message)}"


def _several(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _on_one_line(message: str) -> str:
    """Keep to one line, without the bar behind which Nagios reads figures."""
    return " ".join(message.replace("|", "/").split())


def age(seconds: float | None) -> str:
    """Format an age in the largest unit of which it has at least two."""
    whole = round(seconds or 0)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
