"""Logs to a separate stream, so that a test can read the output."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

import structlog

from syncd.logs import EventLogger, configure_logging, get_logger

CANARY = "Kanarienvogel"
FORMATS = ("json", "console")
LEVELS = ("debug", "info", "warning", "error")


@contextmanager
def logging_to(stream: TextIO, log_format: str, level: str) -> Iterator[EventLogger]:
    """Configures logging to `stream` as in production, and restores the earlier configuration afterwards."""
    root = logging.getLogger()
    handlers, root_level = list(root.handlers), root.level
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning)
    configuration = structlog.get_config()
    try:
        configure_logging(log_format, level, stream)
        yield get_logger("syncd.test")
    finally:
        root.handlers[:] = handlers
        root.setLevel(root_level)
        sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = hooks
        structlog.configure(**configuration)


def lines(log_format: str, level: str, do: Callable[[EventLogger], object]) -> list[str]:
    """Runs `do` with a logger, and returns the logged lines."""
    stream = io.StringIO()
    with logging_to(stream, log_format, level) as log:
        do(log)
    text = stream.getvalue()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def one(do: Callable[[EventLogger], object]) -> dict[str, Any]:
    """Returns the only JSON event that `do` logs."""
    (line,) = lines("json", "debug", do)
    return cast(dict[str, Any], json.loads(line))
