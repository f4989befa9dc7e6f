"""Controls an embedded Postgres: creates, starts, stops and kills it, and ends it together with this process."""

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
    "--encoding=UTF8",
    "--no-sync",
    "--no-instructions",
)
_SINCE_17 = (
    # The password is random, so 4,096 rounds of hashing on each of thousands of connections would gain nothing.
    "--set=scram_iterations=1",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
_BEFORE_17 = ("--locale=C.UTF-8",)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    # In our folder, so that a crash leaves nothing behind elsewhere.
    "dynamic_shared_memory_type": "mmap",
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
    bin_dir: Path | None = None,
    copy_of: Path | None = None,
) -> EmbeddedPostgres:
    """Starts a Postgres server and returns once it accepts connections.

    Args:
        data_dir: keeps the cluster, its log and its password; an existing cluster is used again. Without `data_dir`, the
            server uses a temporary folder, in /dev/shm if there is enough room, and removes it at the end.
        port: a free port by default.
        settings: override ours in postgresql.conf.
        bin_dir: the programs of another Postgres than the wheel's.
        copy_of: the `data_dir` of a stopped server. A new cluster starts as its copy, with its password, without initdb.

    Raises:
        EmbeddedPostgresError: the server could not be created or started.
    """
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder, lock = data_dir.resolve(), None
    else:
        folder, lock = new_temporary_folder()
    server = EmbeddedPostgres(
        folder,
        port=port,
        settings={"fsync": "on" if fsync else "off"} | dict(settings),
        lock=lock,
        bin_dir=bin_dir or installed_bin_dir(),
        copy_of=copy_of,
    )
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server


class EmbeddedPostgres:
    """A server and its folder. Use `start_postgres` to create one; as a context manager, it calls `close` at the end.

    The server ends when the process that started it ends, even by SIGKILL, unless that process has called
    `leave_running`. Not thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None,
        settings: Mapping[str, str],
        lock: int | None,
        bin_dir: Path,
        copy_of: Path | None,
    ) -> None:
        self.bin_dir = bin_dir
        self.folder = folder
        self.log_path = folder / "postgres.log"
        self.port = port or free_port()
        self._cluster = folder / "cluster"
        self._settings = settings
        self._copy_of = copy_of
        # The lock marks a temporary folder as in use; None means that the folder belongs to the caller.
        self._lock = lock
        self._may_choose_port = port is None
        self._owner = os.getpid()
        self._wrapper = unprivileged(self.bin_dir, folder) if os.geteuid() == 0 else []
        stop = ["pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._cluster)]
        self._watchdog = Watchdog(self._command(*stop), remove=None if lock is None else folder)
        atexit.register(self.close)

    @property
    def password(self) -> str:
        """The random password of the superuser `postgres`; it keeps other users of the machine out."""
        return (self.folder / "password").read_text().strip()

    @property
    def url(self) -> str:
        """postgresql://postgres:PASSWORD@127.0.0.1:PORT/postgres; stop, kill and start do not change it."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int | None:
        """The id of the server's main process, or None if the server is not running. SIGINT to it works like `stop`."""
        postmaster = self._postmaster()
        return None if postmaster is None else postmaster.pid

    @property
    def running(self) -> bool:
        """Whether the server's main process is alive."""
        return self.pid is not None

    def start(self) -> None:
        """Starts the server and returns once it accepts connections; after `kill` it recovers first, as after a crash."""
        if not (self._cluster / "PG_VERSION").exists():
            if self._copy_of is None:
                self._initialise()
            else:
                self._copy(self._copy_of)
        for _ in range(_START_ATTEMPTS):
            self._write_configuration()
            logged = len(self._log_from(0))
            result = self._run(
                "pg_ctl", "start", "-w", "-t", str(_TIMEOUT_S), "-D", self._cluster, "-l", self.log_path
            )
            if result.returncode == 0:
                # From now on callers know the URL.
                self._may_choose_port = False
                return
            words = self._log_from(logged)
            if not (self._may_choose_port and any(sign in words for sign in _COLLISIONS)):
                break
            self.port = free_port()
        raise EmbeddedPostgresError(
            f"Postgres did not start on port {self.port}: {result.stderr.strip()}\n{words.strip()}"
        )

    def stop(self, mode: StopMode = "fast") -> None:
        """Stops the server: "fast" ends its sessions and checkpoints, "immediate" leaves recovery to the next start.

        Does nothing if the server is not running.
        """
        if self.running:
            command = ("pg_ctl", "stop", "-w", "-t", str(_TIMEOUT_S), "-m", mode, "-D", self._cluster)
            result = self._run(*command)
            if result.returncode < 0 and self.running:
                # A Ctrl-C in the terminal has ended pg_ctl as well.
                result = self._run(*command)
            if result.returncode != 0 and self.running:
                raise EmbeddedPostgresError(
                    f"Postgres did not stop on port {self.port}: {result.stderr.strip()}"
                )

    def kill(self) -> None:
        """Kills every process of the server, like a crash, and waits until all are gone. `start` recovers."""
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
        # In a container whose first process reaps no children, the dead server stays as a zombie, and the next start would
        # consider it alive.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def close(self) -> None:
        """Stops the server and removes its folder if that is temporary. May be called twice."""
        if os.getpid() != self._owner:
            return  # a forked process inherits the exit handler, but does not own the server
        atexit.unregister(self.close)
        self.stop("fast" if self._lock is None else "immediate")
        self._watchdog.dismiss()
        if self._lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    def leave_running(self) -> None:
        """Lets the server and its folder outlive this process. From now on the user must stop and remove them."""
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
        version = int(self._run("initdb", "--version").stdout.split()[2].partition(".")[0])
        options = (*_INITDB_OPTIONS, *(_SINCE_17 if version >= 17 else _BEFORE_17))
        result = self._run("initdb", "--pgdata", self._cluster, "--pwfile", password, *options)
        if result.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed in {self.folder}: {result.stderr.strip()}")

    def _copy(self, folder: Path) -> None:
        shutil.copy(folder / "password", self.folder)
        # As the user of the server, because the server refuses a cluster of another user.
        command: list[str | Path] = [*self._wrapper, "cp", "-R", folder / "cluster", self._cluster]
        subprocess.run(command, check=True)  # noqa: S603 - a constant program; what varies are its arguments

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
