"""Describes an exception for the log: its classes and the places it passed, never its message or a variable's value.

The message of a foreign exception may quote its input: SQL parameters, Postgres' DETAIL, a URL, a piece of JSON. Only
the message of a SyncdError is logged, because syncd writes it and puts only ids into it.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from types import TracebackType

from structlog.typing import EventDict, WrappedLogger

from syncd.errors import SyncdError

# With one frame for each cause, this is at most what redaction keeps.
_MOST_FRAMES = 20
_MOST_CAUSES = 10
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")


def summarise_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info`, or an exception in `error`, by harmless keys. A structlog processor."""
    event.pop("stack_info", None)
    event.pop("exception", None)
    exception = _exception_of(event.pop("exc_info", None))
    if exception is not None:
        event.update(failure(exception), error_frames=frames(exception))
    if isinstance(named := event.get("error"), BaseException):
        event.update(failure(named))
    return event


def failure(exception: BaseException) -> dict[str, object]:
    """Describe an exception: its classes as `error`, outermost first, and `error_message`, `sqlstate`, `constraint` if any."""
    causes = list(_causes(exception))
    found: dict[str, object] = {"error": [class_name(cause) for cause in causes]}
    for cause in causes:
        if isinstance(cause, SyncdError) and "error_message" not in found:
            found["error_message"] = str(cause)
        for key, value in _postgres_facts(cause):
            found.setdefault(key, value)
    return found


def frames(exception: BaseException) -> list[str]:
    """List the places an exception passed as `file:line function`, outermost first, then the origin of each cause."""
    found = _places(exception.__traceback__, _MOST_FRAMES)
    for cause in list(_causes(exception))[1:]:
        found += [f"cause: {where}" for where in _places(cause.__traceback__, 1)]
    return found


def _places(trace: TracebackType | None, most: int) -> list[str]:
    walked = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)]
    return [f"{place(code.co_filename, line)} {code.co_name}" for code, line in walked[-most:]]


def place(file: str, line: int) -> str:
    """Name a place in the source as `package/module.py:12`, without the folders of this machine."""
    parts = PurePath(file).parts
    for folder in _PACKAGE_FOLDERS:
        if folder in parts:
            return f"{'/'.join(parts[parts.index(folder) + 1 :])}:{line}"
    if "syncd" in parts[:-1]:
        innermost = max(number for number, part in enumerate(parts[:-1]) if part == "syncd")
        return f"{'/'.join(parts[innermost:])}:{line}"
    return f"{'/'.join(parts[-2:])}:{line}".lstrip("/")


def class_name(exception: BaseException) -> str:
    """Name the class with its module, to distinguish the `TimeoutError` of two libraries."""
    kind = type(exception)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _exception_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exception() if exc_info else None


def _causes(exception: BaseException) -> Iterator[BaseException]:
    """Walk from the exception to its causes and to the members of groups. Yields each once, because chains can be circular."""
    seen: set[int] = set()
    waiting = [exception]
    while waiting and len(seen) < _MOST_CAUSES:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        following = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        if following is not None:
            waiting.append(following)


def _postgres_facts(exception: BaseException) -> Iterator[tuple[str, str]]:
    """Find SQLSTATE and constraint of a Postgres error. They contain no personal data."""
    try:
        sqlstate = getattr(exception, "sqlstate", None)
        constraint = getattr(getattr(exception, "diag", None), "constraint_name", None)
    # A property of a foreign class may raise anything, and logging must not fail.
    except Exception:
        return
    if isinstance(sqlstate, str) and re.fullmatch(r"[0-9A-Z]{5}", sqlstate):
        yield "sqlstate", sqlstate
    if isinstance(constraint, str):
        yield "constraint", constraint
