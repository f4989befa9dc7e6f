"""What a log says of an exception: its classes and the places it passed, never its message or a variable's value.

The text of a foreign exception may quote what it failed on: SQL parameters, a key of Postgres' DETAIL, a URL, a piece
of JSON. Only a SyncdError is quoted, since syncd writes those itself and puts nothing but ids into them.
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

_MOST_FRAMES = 20  # with one per cause, at most as many as redaction keeps
_MOST_CAUSES = 10
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")


def summarise_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that turns `exc_info`, or an exception given as `error`, into harmless keys."""
    event.pop("stack_info", None)
    event.pop("exception", None)
    exception = _exception_of(event.pop("exc_info", None))
    if exception is not None:
        event.update(failure(exception), error_frames=frames(exception))
    if isinstance(named := event.get("error"), BaseException):
        event.update(failure(named))
    return event


def failure(exception: BaseException) -> dict[str, object]:
    """`error`: the classes, outermost first; with them `error_message`, `sqlstate` and `constraint` where there are any."""
    causes = list(_causes(exception))
    found: dict[str, object] = {"error": [class_name(cause) for cause in causes]}
    for cause in causes:
        if isinstance(cause, SyncdError) and "error_message" not in found:
            found["error_message"] = str(cause)
        for key, value in _postgres_facts(cause):
            found.setdefault(key, value)
    return found


def frames(exception: BaseException) -> list[str]:
    """The places an exception passed as `file:line function`, outermost first; then where its causes came from."""
    found = _places(exception.__traceback__, _MOST_FRAMES)
    for cause in list(_causes(exception))[1:]:
        found += [f"cause: {where}" for where in _places(cause.__traceback__, 1)]
    return found


def _places(trace: TracebackType | None, most: int) -> list[str]:
    walked = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)]
    return [f"{place(code.co_filename, line)} {code.co_name}" for code, line in walked[-most:]]


def place(file: str, line: int) -> str:
    """`package/module.py:12`: without the folders of this machine."""
    parts = PurePath(file).parts
    for folder in _PACKAGE_FOLDERS:
        if folder in parts:
            return f"{'/'.join(parts[parts.index(folder) + 1 :])}:{line}"
    if "syncd" in parts[:-1]:
        innermost = max(number for number, part in enumerate(parts[:-1]) if part == "syncd")
        return f"{'/'.join(parts[innermost:])}:{line}"
    return f"{'/'.join(parts[-2:])}:{line}".lstrip("/")


def class_name(exception: BaseException) -> str:
    """The class with its module, so that `TimeoutError` of two libraries can be told apart."""
    kind = type(exception)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _exception_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exception() if exc_info else None


def _causes(exception: BaseException) -> Iterator[BaseException]:
    """The exception, then what it was raised from, then the members of groups; each once, since chains can be circular."""
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
    """SQLSTATE and constraint of a Postgres error: they say what happened without saying to whom."""
    try:
        sqlstate = getattr(exception, "sqlstate", None)
        constraint = getattr(getattr(exception, "diag", None), "constraint_name", None)
    except Exception:  # a property of a foreign class may do anything, and logging must not fail
        return
    if isinstance(sqlstate, str) and re.fullmatch(r"[0-9A-Z]{5}", sqlstate):
        yield "sqlstate", sqlstate
    if isinstance(constraint, str):
        yield "constraint", constraint
