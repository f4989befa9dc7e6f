"""Handles signals. The first SIGTERM or SIGINT requests a stop, a second ends the process. SIGUSR1 requests work."""

import os
import signal
import threading
import time
from collections.abc import Callable

EXIT_NOW = 1
# Seconds within which two signals count as one request: `timeout` and terminals signal both a process and its group.
ONE_REQUEST = 0.2
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_received: set[int] = set()


def stop_on_signals(now: Callable[[], None] = lambda: None) -> threading.Event:
    """Return an event that the first SIGTERM or SIGINT sets. Call this function once, from the main thread.

    Args:
        now: called after each SIGUSR1, in another thread.

    Each signal needs a handler: without one, Python as process 1 of a container ignores SIGTERM. But the handler does
    nothing. Python runs it in the main thread between any two instructions, even while that thread holds the event's
    own lock. Setting the event there could deadlock. So Python writes the signal's number to a pipe, and a separate
    thread reads it.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (*_SIGNALS, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_watch, args=(reader, stop, now), name="signals", daemon=True).start()
    return stop


def interrupted() -> bool:
    """Whether SIGINT (Ctrl-C) has requested a stop."""
    return signal.SIGINT in _received


def _watch(reader: int, stop: threading.Event, now: Callable[[], None]) -> None:
    first_at = 0.0
    while number := os.read(reader, 1):
        if number[0] == signal.SIGUSR1:
            now()
        if number[0] not in _SIGNALS:
            continue
        _received.add(number[0])
        if not stop.is_set():
            first_at = time.monotonic()
            stop.set()
        elif time.monotonic() - first_at > ONE_REQUEST:
            # A crash at any point is safe.
            os._exit(EXIT_NOW)
