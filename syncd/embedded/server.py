"""One embedded Postgres: made, started, stopped, killed, and ended together with the process that started it."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self

import psutil

from syncd.embedded.machine import (
    EmbeddedPostgresError,
    environment,
    free_port,
    installed_bin_dir,
    new_temporary_folder,
    unprivileged,
)
from syncd.embedded.watchdog import Watchdog

StopMode = Literal["fast", "immediate"]

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=scram-sha-256",
    # The password is random, so nothing is won by hashing it 4,096 times on each of thousands of connections.
    "--set=scram_iterations=1",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # in our folder, so that a crash leaves nothing behind elsewhere
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}
_START_ATTEMPTS = 5
_TIMEOUT_S = 60
_COLLISIONS = ("could not bind", "could not create any TCP/IP sockets")


def start_postgres(
    data_dir: Path | None = None,
    *,
    port: int | None = None,
    fsync: bool = True,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> EmbeddedPostgres:
    """Make a Postgres (or use the one already in `data_dir`), start it and wait until it takes connections.

    `data_dir` holds the cluster, its log and its password, and stays. Without it the server gets a folder of its own, in
    memory (/dev/shm) where that is roomy, which is removed with the server. `port`: a free one unless given. `settings`
    are lines of postgresql.conf and win over ours. Raises EmbeddedPostgresError.
    """
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder, lock = data_dir.resolve(), None
    else:
        folder, lock = new_temporary_folder()
    server = EmbeddedPostgres(
        folder, port=port, settings={"fsync": "on" if fsync else "off"} | dict(settings), lock=lock
    )
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server


class EmbeddedPostgres:
    """One server and the folder it lives in. Made by `start_postgres`; a context manager that ends in `close`.

    The server ends with the process that started it, also when that process is killed, unless `leave_running` was called.
    Not for use by two threads at once.
    """

    def __init__(
        self, folder: Path, *, port: int | None, settings: Mapping[str, str], lock: int | None
    ) -> None:
        self.bin_dir = installed_bin_dir()
        self.folder = folder
        self.log_path = folder / "postgres.log"
        self.port = port or free_port()
        self._cluster = folder / "cluster"
        self._settings = settings
        # Held for as long as a temporary folder is in use; None says that the folder is the caller's.
        self._lock = lock
        self._may_choose_port = port is None
        self._owner = os.getpid()
        self._wrapper = unprivileged(self.bin_dir, folder) if os.geteuid() == 0 else []
        stop = ["pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._cluster)]
        self._watchdog = Watchdog(self._command(*stop), remove=None if lock is None else folder)
        atexit.register(self.close)

    @property
    def password(self) -> str:
        """The password of the superuser `postgres`: random, so that no other user of the machine gets in."""
        return (self.folder / "password").read_text().strip()

    @property
    def url(self) -> str:
        """postgresql://postgres:PASSWORD@127.0.0.1:PORT/postgres; it stays the same over stop, kill and start."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int | None:
        """The server's first process, which SIGINT stops as `stop` does; None when it is not running."""
        postmaster = self._postmaster()
        return None if postmaster is None else postmaster.pid

    @property
    def running(self) -> bool:
        """Whether the server's first process is alive."""
        return self.pid is not None

    def start(self) -> None:
        """Start the server and return once it takes connections. After `kill` it recovers first, as after a crash."""
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        for _ in range(_START_ATTEMPTS):
            self._write_configuration()
            logged = len(self._log_from(0))
            result = self._run(
                "pg_ctl", "start", "-w", "-t", str(_TIMEOUT_S), "-D", self._cluster, "-l", self.log_path
            )
            if result.returncode == 0:
                self._may_choose_port = False  # the URL is known outside from here on
                return
            words = self._log_from(logged)
            if not (self._may_choose_port and any(sign in words for sign in _COLLISIONS)):
                break
            self.port = free_port()
        raise EmbeddedPostgresError(
            f"Postgres did not start on port {self.port}: {result.stderr.strip()}\n{words.strip()}"
        )

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server: "fast" ends its sessions and checkpoints, "immediate" leaves recovery to the next start.

        Does nothing when it is not running.
        """
        if self.running:
            result = self._run("pg_ctl", "stop", "-w", "-t", str(_TIMEOUT_S), "-m", mode, "-D", self._cluster)
            if result.returncode != 0:
                raise EmbeddedPostgresError(
                    f"Postgres did not stop on port {self.port}: {result.stderr.strip()}"
                )

    def kill(self) -> None:
        """SIGKILL to every process of the server, as a crash would; returns when all are gone. `start` recovers."""
        postmaster = self._postmaster()
        if postmaster is None:
            return
        victims = [postmaster, *postmaster.children(recursive=True)]
        for victim in victims:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
        deadline = time.monotonic() + _TIMEOUT_S
        while not all(_is_gone(victim) for victim in victims):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Postgres on port {self.port} survived SIGKILL for {_TIMEOUT_S} s."
                )
            time.sleep(0.01)
        # In a container whose first process reaps nobody the dead server stays as a zombie, and the next start would take
        # it for a living one.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def close(self) -> None:
        """Stop the server for good and remove its folder if that is temporary. May be called twice."""
        if os.getpid() != self._owner:
            return  # a fork inherited the exit handler, not the server
        atexit.unregister(self.close)
        self.stop("fast" if self._lock is None else "immediate")
        self._watchdog.dismiss()
        if self._lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    def leave_running(self) -> None:
        """Let the server and its folder outlive this process; from here on they are the user's to stop and remove."""
        atexit.unregister(self.close)
        self._watchdog.dismiss()
        if self._lock is not None:
            (self.folder / "lock").unlink()
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        result = self._run("initdb", "--pgdata", self._cluster, "--pwfile", password, *_INITDB_OPTIONS)
        if result.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed in {self.folder}: {result.stderr.strip()}")

    def _write_configuration(self) -> None:
        settings = {**_SETTINGS, "port": str(self.port), **self._settings}
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()]
        (self._cluster / "postgresql.conf").write_text("".join(lines))

    def _log_from(self, position: int) -> str:
        return self.log_path.read_text(errors="replace")[position:] if self.log_path.exists() else ""

    def _command(self, program: str, *arguments: str | Path) -> list[str | Path]:
        return [*self._wrapper, self.bin_dir / program, *arguments]

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the program and its arguments are ours
            self._command(program, *arguments),
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _postmaster(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int((self._cluster / "postmaster.pid").read_text().split()[0]))
        except (FileNotFoundError, IndexError, psutil.NoSuchProcess):
            return None
        return None if _is_gone(process) else process


def _is_gone(process: psutil.Process) -> bool:
    try:
        return bool(process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.NoSuchProcess:
        return True
