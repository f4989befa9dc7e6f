"""Measures the rows on processes: one application at a time, an idle daemon, and the start of commands."""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import psutil

from bench.machine import ROOT, WORK, Database, Source, clean_environment, environment_of, measured, pipe_of
from bench.media import SMALL, Folders, settings
from bench.results import Comparison, Results
from bench.scale import Scale

WARM = 3  # of each start are not counted
LOG = WORK / "daemon.log"


def latency(scale: Scale, database: Database, results: Results) -> None:
    """Sync one new profile with two files at a time, triggered at the moment it becomes visible."""
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    with Folders() as folders:
        for _ in range(4):
            with Source(profiles=scale.latencies, visible=0, file_size=SMALL) as source:
                database.fresh()
                with daemon(database, source, folders.new(), "every 7d") as running:
                    ours.append(_latencies(scale, source, Trigger(running)))
            with Source(profiles=scale.latencies, visible=0, file_size=SMALL) as source:
                database.fresh(schema=False)
                with _bare_script(database, source, folders.new()) as script:
                    theirs.append(_latencies(scale, source, Line(script)))
    work = "one new profile with two files, from visible to confirmed"
    p50s = [statistics.median(each) for each in theirs]
    add = results.comparisons.append
    add(Comparison("latency", work, "bare script", "ms", [*chain(*ours)], [*chain(*theirs)], 3.0))
    add(Comparison("latency", work + ", p99", "bare script's p50", "ms", [*map(_p99, ours)], p50s, 10.0))


def _numbers(scale: Scale) -> Iterator[int]:
    """Those of the first profiles that have two files."""
    return (number for number in range(scale.latencies) if number % 10 < 7)


def _latencies(scale: Scale, source: Source, trigger: "Trigger | Line") -> list[float]:
    return [shown_to_confirmed(source, number, trigger) for number in _numbers(scale)][WARM:]


def shown_to_confirmed(source: Source, number: int, trigger: "Trigger | Line") -> float:
    """Milliseconds. It begins and ends with nothing going on, so that each time all starts with the trigger."""
    source.ask(f"/bench/show/{number}")
    trigger.give()
    took = 1000 * float(source.ask(f"/bench/took/{number}"))
    trigger.wait()
    return took


@contextlib.contextmanager
def daemon(
    database: Database, source: Source, media: Path, schedule: str
) -> Iterator[subprocess.Popen[bytes]]:
    with LOG.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "syncd", "run"],
            cwd=ROOT,
            env=clean_environment(settings(database, source, media, schedule)),
            stderr=output,
        )
    try:
        while not _cycles():
            time.sleep(0.1)
            if started.poll() is not None:
                raise AssertionError(f"syncd has ended: {LOG.read_text()}")
        yield started
    finally:
        started.terminate()
        started.wait()


class Trigger:
    """Has a daemon sync now."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        self._running, self._ended = running, _cycles()

    def give(self) -> None:
        """Send the signal."""
        self._running.send_signal(signal.SIGUSR1)

    def wait(self) -> None:
        """Wait for the end of the cycle."""
        self._ended += 1
        while _cycles() < self._ended:
            time.sleep(0.005)


def _cycles() -> int:
    return LOG.read_bytes().count(b"cycle_finished")


class Line:
    """Has the bare script sync now."""

    def __init__(self, script: subprocess.Popen[str]) -> None:
        self._script = script

    def give(self) -> None:
        """Write a line."""
        pipe = pipe_of(self._script.stdin)
        pipe.write("\n")
        pipe.flush()

    def wait(self) -> None:
        """Read that it is done."""
        pipe_of(self._script.stdout).readline()


@contextlib.contextmanager
def _bare_script(database: Database, source: Source, media: Path) -> Iterator[subprocess.Popen[str]]:
    command: list[str | Path] = [
        environment_of("bare_script"),
        ROOT / "bench" / "peers" / "bare_script" / "main.py",
    ]
    command += ["--source", source.url, "--database", database.url(), "--media", str(media)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment({})
    ) as script:
        pipe_of(script.stdout).readline()
        yield script
        pipe_of(script.stdin).close()
        pipe_of(script.stdout).read()


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.99 * len(values)) - 1)]


def idle(scale: Scale, database: Database, results: Results) -> None:
    """Measure an idle daemon that has synced a thousand applications, at its default schedule of 60 s."""
    with Source(profiles=1000, files=1, file_size=SMALL) as source, Folders() as folders:
        database.fresh()
        with daemon(database, source, folders.new(), "every 60s") as running:
            process = psutil.Process(running.pid)
            time.sleep(3)
            before = sum(process.cpu_times()[:2])
            time.sleep(scale.idle)
            share = (sum(process.cpu_times()[:2]) - before) / scale.idle * 100
            memory = process.memory_info().rss / 1e6
    work = f"a daemon with nothing to do, every 60 s, for {scale.idle:.0f} s"
    results.comparisons.append(Comparison("idle", work, "resident memory", "MB", [memory], limit=100.0))
    results.comparisons.append(Comparison("idle", work, "share of one core", "%", [share], limit=0.5))


def starts(scale: Scale, database: Database, results: Results) -> None:
    """`python -c pass`, `syncd --help` and `syncd status` in turn; the store is the one that `memory` has filled."""
    database.name = "full"
    syncd = Path(sysconfig.get_path("scripts")) / "syncd"
    with Source(profiles=0) as source:
        environment = settings(database, source, WORK / "media")
        commands = {
            "pass": [sys.executable, "-c", "pass"],
            "help": [str(syncd), "--help"],
            "status": [str(syncd), "status"],
        }
        _confirm_nearly_all(database)
        for _ in range(scale.starts + 1):
            for name, command in commands.items():
                results.note(f"start {name}", measured(command, environment=environment).facts())
    took = {name: [1000 * wall for wall in results.of(f"start {name}")[1:]] for name in commands}
    add = results.comparisons.append
    add(Comparison("start", "syncd --help", "python -c pass", "ms", took["help"], took["pass"], 6.0))
    count = database.execute("SELECT count(*) FROM ats.application")[0][0]
    work = f"syncd status, {count:,} applications"
    add(Comparison("start", work, "syncd --help", "ms", took["status"], took["help"], 3.0))


def _confirm_nearly_all(database: Database) -> None:
    """Of the applications that `memory` has landed, all but one in a hundred are confirmed, as after years."""
    database.execute(
        "UPDATE ats.application SET confirmed_revision = revision WHERE hashtext(profile_id) % 100 <> 0"
    )
    database.execute("UPDATE ats.media SET state = 'stored' WHERE hashtext(profile_id) % 100 <> 0")
    database.execute("VACUUM ANALYZE")


def machine(database: Database) -> dict[str, str]:
    """Describe this machine."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    return {
        "processor": f"{os.cpu_count()} × {model}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "python": "Python " + sys.version.split()[0],
        "postgres": "Postgres " + str(database.execute("SHOW server_version")[0][0]),
        "curl": " ".join(subprocess.check_output(["curl", "--version"], text=True).split()[:2]),
    }
