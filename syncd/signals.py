"""Handles signals. The first SIGTERM or SIGINT requests a stop, a second ends the process. SIGUSR1 requests work.

The daemon also takes SIGHUP, which requests a reload, and SIGUSR2, which does nothing.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

from syncd.logs import get_logger

log = get_logger(__name__)

EXIT_NOW = 1
# Seconds within which two signals count as one request: `timeout` and terminals signal both a process and its group.
ONE_REQUEST = 0.2
# Seconds from a stop to the end of the process at most, even if Postgres or PitchYou does not respond.
LIMIT = 28.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_received: set[int] = set()


def stop_on_signals(
    now: Callable[[], None] = lambda: None, reload: Callable[[], None] | None = None
) -> threading.Event:
    """Return an event that the first SIGTERM or SIGINT sets. Call this function once, from the main thread.

    Args:
        now: called after each SIGUSR1, in another thread.
        reload: called after each SIGHUP, in another thread. Without it, SIGHUP and SIGUSR2 keep their default, which is
            to end the process.

    Each signal needs a handler: without one, Python as process 1 of a container ignores SIGTERM. But the handler does
    nothing. Python runs it in the main thread between any two instructions, even while that thread holds the event's
    own lock. Setting the event there could deadlock. So Python writes the signal's number to a pipe, and a separate
    thread reads it.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    others = {signal.SIGUSR1: now}
    if reload:
        others |= {signal.SIGHUP: reload, signal.SIGUSR2: _ignore}
    for number in (*_SIGNALS, *others):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_watch, args=(reader, stop, others), name="signals", daemon=True).start()
    return stop


def end_in_time(stop: threading.Event) -> None:
    """Make sure that the process ends `LIMIT` seconds after a stop.

    A database that accepts connections but does not respond can block any thread, even the one that releases the leases.
    """

    def wait() -> None:
        stop.wait()
        time.sleep(LIMIT)
        log.error("daemon_stopped_in_the_middle")
        # A crash at any point is safe.
        os._exit(EXIT_NOW)

    threading.Thread(target=wait, name="end-in-time", daemon=True).start()


def interrupted() -> bool:
    """Whether SIGINT (Ctrl-C) has requested a stop."""
    return signal.SIGINT in _received


def _ignore() -> None:
    log.debug("signal_ignored")


def _watch(reader: int, stop: threading.Event, others: dict[signal.Signals, Callable[[], None]]) -> None:
    first_at = 0.0
    while number := os.read(reader, 1):
        if number[0] not in _SIGNALS:
            others.get(signal.Signals(number[0]), lambda: None)()
            continue
        _received.add(number[0])
        if not stop.is_set():
            first_at = time.monotonic()
            stop.set()
        elif time.monotonic() - first_at > ONE_REQUEST:
            # A crash at any point is safe.
            os._exit(EXIT_NOW)
