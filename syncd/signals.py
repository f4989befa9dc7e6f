"""SIGTERM and SIGINT: the first asks to stop, the second ends the process at once. SIGUSR1 asks for work now."""

import os
import signal
import threading
import time
from collections.abc import Callable

EXIT_NOW = 1
ONE_REQUEST = (
    0.2  # seconds; `timeout` and terminals signal a process and its group, which is one wish told twice
)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(now: Callable[[], None] = lambda: None) -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets. Call it once, from the main thread.

    Args:
        now: called after each SIGUSR1, in another thread.

    A handler is needed in any case: without one, Python as process 1 of a container ignores SIGTERM. But it does
    nothing: it runs in the main thread between any two instructions, also while that thread holds the event's own
    lock, and setting the event would then wait for itself for ever. So a thread of its own learns of the signal from
    the pipe that Python writes its number to.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (*_SIGNALS, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_watch, args=(reader, stop, now), name="signals", daemon=True).start()
    return stop


def _watch(reader: int, stop: threading.Event, now: Callable[[], None]) -> None:
    first_at = 0.0
    while number := os.read(reader, 1):
        if number[0] == signal.SIGUSR1:
            now()
        if number[0] not in _SIGNALS:
            continue
        if not stop.is_set():
            first_at = time.monotonic()
            stop.set()
        elif time.monotonic() - first_at > ONE_REQUEST:
            os._exit(EXIT_NOW)  # every step is safe to lose at any point
