"""SIGTERM and SIGINT: the first asks to stop, the second ends the process at once."""

import os
import signal
import threading
from types import FrameType

EXIT_NOW = 1


def stop_on_signals() -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets. Call it from the main thread.

    A handler is needed in any case: without one, Python as process 1 of a container ignores SIGTERM.
    """
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(EXIT_NOW)  # every step is safe to lose at any point
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop
