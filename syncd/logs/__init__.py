"""Logs: one line per event, as JSON or for a console, with fixed event names, ids and counts only.

Messages of libraries (through `logging` and `warnings`) and uncaught exceptions are logged too, without their text.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, LiteralString, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncd.logs.failures import class_name, failure, frames, place, summarise_exception
from syncd.logs.journal import prefix
from syncd.logs.redaction import ALLOWED_KEYS, redact, scrub

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["ALLOWED_KEYS", "EventLogger", "configure_logging", "get_logger", "scrub"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_CHATTY = ("httpx", "httpcore", "apscheduler", "sqlalchemy", "alembic", "psycopg", "psycopg.pool", "asyncio")


class EventLogger(structlog.BoundLoggerBase):
    """Logs a fixed event name with keys of ALLOWED_KEYS. It cannot format messages."""

    def debug(self, event: LiteralString, /, **fields: object) -> None:
        """Log a detail that helps to find a fault."""
        self._proxy_to_logger("debug", event, **fields)

    def info(self, event: LiteralString, /, **fields: object) -> None:
        """Log a normal event."""
        self._proxy_to_logger("info", event, **fields)

    def warning(self, event: LiteralString, /, **fields: object) -> None:
        """Log what an operator should look at some time."""
        self._proxy_to_logger("warning", event, **fields)

    def error(self, event: LiteralString, /, **fields: object) -> None:
        """Log a failure. `error=exception` adds its classes; `exc_info=True` adds the places it passed too."""
        self._proxy_to_logger("error", event, **fields)

    def critical(self, event: LiteralString, /, **fields: object) -> None:
        """Log a failure that ends the process."""
        self._proxy_to_logger("critical", event, **fields)

    def exception(self, event: LiteralString, /, **fields: object) -> None:
        """Log a failure, with the classes and places of the exception that is being handled."""
        self._proxy_to_logger("error", event, **({"exc_info": True} | fields))


def get_logger(name: str) -> EventLogger:
    """Make the logger of a module: `get_logger(__name__)`. This may happen before logging is configured."""
    return cast(EventLogger, structlog.get_logger(logger_name=name))


def configure_logging(format: str, level: str, stream: TextIO | None = None) -> None:  # noqa: A002  the setting's own name
    """Write every log line of this process at `level` or above to `stream` (default: stderr) as `format` (json, console).

    Replaces the handlers of the root logger, and the hooks for warnings and uncaught exceptions. May be called again;
    the last call counts. Raises KeyError for an unknown level.
    """
    stream = stream or sys.stderr
    _configure_structlog(format, level, stream)
    root = logging.getLogger()
    root.handlers[:] = [_FromLibraries()]
    root.setLevel(_LEVELS[level])
    for name in _CHATTY:
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.handlers.clear()
        library.propagate = True
    warnings.showwarning = _log_warning
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash
    sys.unraisablehook = _log_unraisable


def _configure_structlog(format: str, level: str, stream: TextIO | None) -> None:  # noqa: A002  as above
    structlog.configure(
        processors=[
            _at_least(_LEVELS[level]),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _time_stamper(format),
            summarise_exception,
            redact,
            _renderer(format, stream),
        ],
        wrapper_class=EventLogger,
        logger_factory=lambda *_: _Lines(stream),
        # A module's logger must follow a later configuration.
        cache_logger_on_first_use=False,
    )


def _time_stamper(format: str) -> Processor:  # noqa: A002  as above
    """Programs read UTC, and people the time of their clocks with its offset."""
    if format == "console":
        return structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S%z", utc=False)
    return structlog.processors.TimeStamper(fmt="iso", utc=True)


def _renderer(format: str, stream: TextIO | None) -> Processor:  # noqa: A002  as above
    if format == "console":
        return structlog.dev.ConsoleRenderer(colors=_takes_colors(stream), pad_event_to=24)
    return structlog.processors.JSONRenderer()


def _takes_colors(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal that shows colours, and its user has not declined them (https://no-color.org)."""
    declined = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not declined


def _at_least(least: int) -> Processor:
    def drop_below(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if _LEVELS[method] < least:
            raise structlog.DropEvent
        return event

    return drop_below


_writing = threading.Lock()


class _Lines:
    """Writes whole lines, one at a time. If the log cannot be written, syncd continues to work."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def _write(self, level: str, line: str) -> None:
        stream = self._stream or sys.stderr
        try:
            with _writing:
                encoding = stream.encoding or "utf-8"
                text = line.encode(encoding, "backslashreplace").decode(encoding)
                stream.write(f"{prefix(level, stream)}{text}\n")
                stream.flush()
        # A closed pipe, a full disk, a closed file.
        except (OSError, ValueError):
            return

    def debug(self, line: str) -> None:
        self._write("debug", line)

    def info(self, line: str) -> None:
        self._write("info", line)

    def warning(self, line: str) -> None:
        self._write("warning", line)

    def error(self, line: str) -> None:
        self._write("error", line)

    def critical(self, line: str) -> None:
        self._write("critical", line)


class _FromLibraries(logging.Handler):
    """Logs that a library logged something, and where. Omits the message, which may quote anything."""

    def emit(self, record: logging.LogRecord) -> None:
        exception = record.exc_info[1] if record.exc_info else None
        level = next(
            name for name, number in reversed(_LEVELS.items()) if record.levelno >= number or number == 10
        )
        details: dict[str, object] = {"source": place(record.pathname, record.lineno), "library": record.name}
        if exception is not None:
            details.update(failure(exception), error_frames=frames(exception))
        log = {"debug": _log.debug, "info": _log.info, "warning": _log.warning, "error": _log.error}
        log.get(level, _log.critical)("library_message", **details)


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    kind = class_name(message) if isinstance(message, Warning) else category.__name__
    _log.warning("python_warning", error=kind, source=place(filename, lineno))


def _log_crash(_kind: type[BaseException], exception: BaseException, _trace: TracebackType | None) -> None:
    _log.critical("crashed", exc_info=exception)


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_type is not SystemExit:
        _log.critical("crashed", exc_info=crash.exc_value, thread=crash.thread.name if crash.thread else None)


def _log_unraisable(crash: UnraisableHookArgs) -> None:
    _log.error("exception_ignored", exc_info=crash.exc_value)


_log = get_logger(__name__)

# structlog's own default prints everything, and local variables too if `rich` is installed. So configure it now:
# lines that are logged before configure_logging are redacted too.
_configure_structlog("json", "warning", None)
