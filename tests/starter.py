"""Starts syncd without the second that Python takes to load it: a process that has loaded it forks (`tests/fork_server.py`).

What the start itself decides gets a process of its own: an environment in which Python or the loader would behave
differently. The tests of packages, imports and memory start one themselves. In the shell that types a page, the sandbox
and the daemon, which run beside it, are processes of their own.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("SYNCD_", "PG"))}
# How variables begin that are read while a process starts.
_READ_AT_THE_START = ("PYTHON", "LD_", "LC_", "LANG", "GLIBC_", "MALLOC_", "OPENSSL_")


def _read_at_the_start(env: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in env.items() if key.startswith(_READ_AT_THE_START)}


_AT_OUR_START = _read_at_the_start(CLEAN)


class Forked:
    """A child of the fork server: what tests need of `subprocess.Popen`, under the same names."""

    def __init__(self, ends: int) -> None:
        self._ends = ends  # a pipe: the process id, and when it has ended the exit code or minus the signal
        self.pid = self._number()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, minus the signal that ended it, or None while it runs."""
        if self.returncode is None and select.select([self._ends], [], [], 0)[0]:
            self.returncode = self._number()
            os.close(self._ends)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return what `poll` does then. Raises TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            select.select([self._ends], [], [], timeout)
        ended = self.poll()
        if ended is None:
            raise subprocess.TimeoutExpired(f"syncd, process {self.pid}", timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended after the look
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(self._ends, 1)
            assert piece, "the fork server is gone"
            line += piece
        return int(line)


Process = Forked | subprocess.Popen[bytes]


def start(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: int | IO[Any] = subprocess.DEVNULL,
    stdout: int | IO[Any] = subprocess.DEVNULL,
    stderr: int | IO[Any] = subprocess.DEVNULL,
    module: str = "syncd",
) -> Process:
    """Start `python -m MODULE ARGUMENTS` with `env` as its whole environment; streams are open files or DEVNULL."""
    words = [str(each) for each in arguments]
    if _read_at_the_start(env) != _AT_OUR_START:
        command = [sys.executable, "-m", module, *words]
        return subprocess.Popen(command, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)
    job = {"module": module, "arguments": words, "environ": dict(env), "cwd": str(cwd)}
    ends, report = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    streams = [
        nothing if each == subprocess.DEVNULL else _descriptor(each) for each in (stdin, stdout, stderr)
    ]
    socket.send_fds(_server(), [json.dumps(job).encode()], [*streams, report])
    os.close(nothing)
    os.close(report)
    return Forked(ends)


def run(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    input: str | bytes = b"",  # noqa: A002  subprocess.run's name
    timeout: float = 60,
    module: str = "syncd",
) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS` to its end, with `input` in a pipe; its output goes to files and is returned as text."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        reader, writer = os.pipe()
        try:
            process = start(arguments, env=env, cwd=cwd, stdin=reader, stdout=out, stderr=err, module=module)
        finally:
            os.close(reader)
        feeder = threading.Thread(target=_feed, args=(writer, input), daemon=True)
        feeder.start()
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            feeder.join()
        texts = [_content(each) for each in (out, err)]
    return subprocess.CompletedProcess([module, *arguments], code, *texts)


def _feed(writer: int, content: str | bytes) -> None:
    try:
        with open(writer, "wb") as pipe:
            pipe.write(content.encode() if isinstance(content, str) else content)
    except BrokenPipeError:
        return  # it read no further, as it may


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _descriptor(stream: int | IO[Any]) -> int:
    return stream if isinstance(stream, int) else stream.fileno()


def running() -> bool:
    """Whether this process has its fork server already, which sees no mounts that are made for this process alone later."""
    return _server.cache_info().currsize > 0


@cache
def _server() -> socket.socket:
    """The requests to this process's own fork server, which ends when they do."""
    server, ours = _started(CLEAN)
    atexit.register(_end, server, ours)
    return ours


def _started(env: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())]
        server = subprocess.Popen(
            command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
    return server, ours


@contextmanager
def for_a_shell(env: Mapping[str, str]) -> Iterator[tuple[str, list[int]]]:
    """A fork server for a shell that starts with this environment.

    Gives the line that defines `syncd` in the shell, and the descriptors that the shell must inherit. Its PATH must have the
    real one all the same, which `env syncd` starts.
    """
    server, requests = _started(env)
    client = [sys.executable, "-IS", str(ROOT / "tests" / "fork_client.py"), str(requests.fileno())]
    try:
        yield f'syncd() {{ type -P syncd > /dev/null && {shlex.join(client)} "$@"; }}\n', [requests.fileno()]
    finally:
        _end(server, requests)


def _end(server: subprocess.Popen[bytes], requests: socket.socket) -> None:
    requests.close()
    server.wait()
