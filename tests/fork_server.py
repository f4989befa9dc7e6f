"""The process behind `tests/starter.py`: it has loaded syncd, and forks a child for each start that it is asked for.

It has one thread, so that a fork copies all of it. A child has the arguments, the environment, the folder and the three
standard streams that a new process would have, and ends as Python ends.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any, NoReturn

import syncd

LARGEST = 150_000  # bytes of a request, below what a socket takes by default
_FLUSH_FAILED = 120  # Python's own exit code for output that could not be written at the end
_PROGRAMS = ("syncd.__main__",)  # run when they are imported


def serve(control: socket.socket) -> None:
    """Load syncd; then answer requests until the other side is gone, and kill what still runs."""
    _load()
    children: dict[int, int] = {}  # process id → the pipe that takes its end
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    selector.unregister(key.fileobj)
                    _report_end(key.fd, key.data, children.pop(key.data))
                    continue
                request, descriptors, _, _ = socket.recv_fds(control, LARGEST, 4)
                if not request:
                    for pid in children:
                        os.kill(pid, signal.SIGKILL)
                    return
                pid, report = _start(json.loads(request), descriptors)
                children[pid] = report
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)


def _load() -> None:
    for module in pkgutil.walk_packages(syncd.__path__, "syncd."):
        if module.name not in _PROGRAMS:
            importlib.import_module(module.name)
    importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
    gc.collect()
    gc.freeze()  # or each child would touch, and so copy, every object that is here


def _start(job: dict[str, Any], descriptors: list[int]) -> tuple[int, int]:
    """Fork; returns the child's id, and the pipe that has been told it and will be told how the child ended."""
    *streams, report = descriptors
    pid = os.fork()
    if pid == 0:
        _become(job, streams)
    for stream in streams:
        os.close(stream)
    _tell(report, pid)
    return pid, report


def _report_end(pidfd: int, pid: int, report: int) -> None:
    os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    _tell(report, os.waitstatus_to_exitcode(status))
    os.close(report)


def _tell(report: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(report, f"{number}\n".encode())


def _become(job: dict[str, Any], streams: list[int]) -> NoReturn:
    """What `python -m MODULE ARGUMENTS` does, from here to the end of the process."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        for text in (sys.stdout, sys.stderr):
            text.reconfigure(line_buffering=text is sys.stderr or text.isatty())  # type: ignore[union-attr]
        os.environ.clear()
        os.environ.update(job["environ"])
        time.tzset()
        os.chdir(job["cwd"])
        sys.path[0] = job["cwd"]
        sys.argv[1:] = job["arguments"]
        code = _run(job["module"])
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does at its end
        atexit._run_exitfuncs()
        code = code if _flushed() else _FLUSH_FAILED
    finally:
        os._exit(code)


def _run(module: str) -> int:
    """Run a module as the program and return the exit code, by Python's rules."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _flushed() -> bool:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.socket(fileno=int(sys.argv[1])) as requests:
        serve(requests)
