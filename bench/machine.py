"""Measures runs: provides a Postgres, a source, an environment per peer, and the harness around a process."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
from psycopg import sql

from syncd.embedded import EmbeddedPostgres, start_postgres
from syncd.store import migrate

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".bench"  # on the disk that is measured; everything the benchmark makes is in it
# What `initdb` gives a server that nobody has tuned, durability included.
DEFAULTS = {
    "shared_buffers": "128MB",
    "min_wal_size": "80MB",
    "max_wal_size": "1GB",
    "synchronous_commit": "on",
    "scram_iterations": "4096",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run. Seconds, and bytes of resident memory of the process and all its children at its peak."""

    wall: float
    cpu: float
    postgres_cpu: float
    source_cpu: float
    peak_memory: int
    output: str

    @property
    def source_idle(self) -> float:
        """The share of time in which the source was idle."""
        return max(0.0, 1 - self.source_cpu / self.wall)

    def facts(self) -> dict[str, float]:
        """Return the facts that the report keeps."""
        return {
            "wall_s": self.wall,
            "cpu_s": self.cpu,
            "postgres_cpu_s": self.postgres_cpu,
            "source_cpu_s": self.source_cpu,
            "source_idle": self.source_idle,
            "peak_memory_mb": self.peak_memory / 1e6,
        }


class Database:
    """The benchmark's Postgres. `fresh` creates an empty database, with or without syncd's schema."""

    def __init__(self) -> None:
        self.server: EmbeddedPostgres = start_postgres(WORK / "postgres", settings=DEFAULTS)
        self.name = "postgres"

    def url(self, *, driver: str = "postgresql") -> str:
        """Return the URL of the newest fresh database."""
        return (
            self.server.url.replace("postgresql://", f"{driver}://", 1).rpartition("/")[0] + f"/{self.name}"
        )

    def fresh(self, name: str = "bench", *, schema: bool = True) -> str:
        """Make the database anew and give its libpq URL."""
        self.name = name
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        if schema:
            migrate.upgrade(self.url(driver="postgresql+psycopg"))
        self.settle()
        return self.url()

    def settle(self) -> None:
        """Write out what is dirty and count what is there, so that no run pays for the one before it."""
        self.execute("VACUUM ANALYZE")
        self.execute("CHECKPOINT")

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on the newest fresh database."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def cpu(self) -> float:
        """Processor seconds of all processes of the server so far, ended ones included."""
        return _cpu_of_tree(psutil.Process(self.server.pid))


class Source:
    """A `bench.source` in its own process."""

    def __init__(self, **options: object) -> None:
        arguments = [
            f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not True
        ]
        arguments += [f"--{name}" for name, value in options.items() if value is True]
        command = [sys.executable, "-m", "bench.source", "--folder", str(WORK / "source"), *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.url: str = json.loads(pipe_of(self._process.stdout).readline())["url"]

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()

    def cpu(self) -> float:
        """Processor seconds so far."""
        return _cpu_of_tree(psutil.Process(self._process.pid))

    def ask(self, path: str) -> Any:
        """Return the response to a GET."""
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)


def environment_of(peer: str) -> Path:
    """Return the Python of a peer's own environment, with the pinned versions of its requirements.txt."""
    folder = WORK / "environments" / peer
    python = folder / "bin" / "python"
    requirements = ROOT / "bench" / "peers" / peer / "requirements.txt"
    wanted = requirements.read_text()
    stamp = folder / "requirements"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        if wanted:
            pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "-qq", "--require-hashes", "-r", str(requirements)], check=True)
        stamp.write_text(wanted)
    return python


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Copy the caller's environment without variables that affect Python's start, its bytecode cache or the database."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG", "SYNCD_"))
    }
    return kept | dict(more)


def measured(
    command: Sequence[str | Path],
    *,
    database: Database | None = None,
    source: Source | None = None,
    environment: Mapping[str, str] | None = None,
    standard_input: str | None = None,
) -> Run:
    """Run a command to its end. Raises RuntimeError with its output when it fails."""
    postgres_before = database.cpu() if database else 0.0
    source_before = source.cpu() if source else 0.0
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=clean_environment(environment or {}),
    )
    with _peak_memory(process.pid) as peak:
        usage: list[Any] = []
        waiter = threading.Thread(target=lambda: usage.extend(os.wait4(process.pid, 0)))
        waiter.start()
        with pipe_of(process.stdin) as pipe:
            pipe.write(standard_input or "")
        output = pipe_of(process.stdout).read()
        waiter.join()
        wall = time.perf_counter() - began
    _, status, spent = usage
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{output}")
    return Run(
        wall=wall,
        cpu=spent.ru_utime + spent.ru_stime,
        postgres_cpu=database.cpu() - postgres_before if database else 0.0,
        source_cpu=source.cpu() - source_before if source else 0.0,
        peak_memory=peak[0],
        output=output,
    )


def pipe_of(stream: IO[str] | None) -> IO[str]:
    """Return the pipe that a process was started with."""
    if stream is None:
        raise AssertionError("the process was started without this pipe")
    return stream


@contextlib.contextmanager
def _peak_memory(pid: int) -> Iterator[list[int]]:
    """Measures the peak of the total resident memory of a process and its children, sampled fifty times a second.

    Not `ru_maxrss`: that of a forked child begins with its parent's.
    """
    peak, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(pid)
                total = 0
                for process in [root, *root.children(recursive=True)]:
                    with contextlib.suppress(psutil.Error):
                        total += process.memory_info().rss
                peak[0] = max(peak[0], total)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield peak
    finally:
        ended.set()
        looker.join()


def _cpu_of_tree(root: psutil.Process) -> float:
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
