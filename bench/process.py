"""The rows about the process: one application as it comes, a daemon with nothing to do, and how soon a command answers."""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from bench.machine import ROOT, WORK, Database, Source, clean_environment, environment_of, measured, pipe_of
from bench.media import SMALL, Folders, settings
from bench.results import Comparison, Results
from bench.scale import Scale

WARM = 3  # of each start are not counted


def latency(scale: Scale, database: Database, results: Results) -> None:
    """One new profile with two files at a time, a trigger given at the moment it becomes visible."""
    ours, theirs = [], []
    with Folders() as folders:
        for _ in range(4):
            with Source(profiles=scale.latencies, visible=0, file_size=SMALL) as source:
                database.fresh()
                with daemon(database, source, folders.new(), "every 7d") as running:
                    trigger = signal_to(running)
                    ours += [shown_to_confirmed(source, number, trigger) for number in _numbers(scale)][WARM:]
            with Source(profiles=scale.latencies, visible=0, file_size=SMALL) as source:
                database.fresh(schema=False)
                with _bare_script(database, source, folders.new()) as script:
                    trigger = _line(script)
                    theirs += [shown_to_confirmed(source, number, trigger) for number in _numbers(scale)][
                        WARM:
                    ]
    work = "one new profile with two files, from visible to confirmed"
    p50 = statistics.median(theirs)
    results.note("syncd latency", {"p50_ms": statistics.median(ours), "p99_ms": _p99(ours)})
    results.note("bare_script latency", {"p50_ms": p50, "p99_ms": _p99(theirs)})
    results.comparisons.append(Comparison("latency", work, "bare script", "ms", ours, theirs, 3.0))
    slowest = Comparison("latency", work + ", p99", "bare script's p50", "ms", [_p99(ours)], [p50], 10.0)
    results.comparisons.append(slowest)


def _numbers(scale: Scale) -> Iterator[int]:
    """Those of the first profiles that have two files."""
    return (number for number in range(scale.latencies) if number % 10 < 7)


def shown_to_confirmed(source: Source, number: int, trigger: Callable[[], None]) -> float:
    """Milliseconds."""
    source.ask(f"/bench/show/{number}")
    trigger()
    return 1000 * float(source.ask(f"/bench/took/{number}"))


@contextlib.contextmanager
def daemon(
    database: Database, source: Source, media: Path, schedule: str
) -> Iterator[subprocess.Popen[bytes]]:
    log = WORK / "daemon.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "syncd", "run"],
            cwd=ROOT,
            env=clean_environment(settings(database, source, media, schedule)),
            stderr=output,
        )
    try:
        while b"cycle_finished" not in log.read_bytes():
            time.sleep(0.1)
            if started.poll() is not None:
                raise AssertionError(f"syncd has ended: {log.read_text()}")
        yield started
    finally:
        started.terminate()
        started.wait()


def signal_to(daemon: subprocess.Popen[bytes]) -> Callable[[], None]:
    return lambda: daemon.send_signal(signal.SIGUSR1)


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


def _line(script: subprocess.Popen[str]) -> Callable[[], None]:
    """A line for each trigger; what the script says of the one before is read first."""
    waiting = iter([False])

    def trigger() -> None:
        if next(waiting, True):
            pipe_of(script.stdout).readline()
        pipe = pipe_of(script.stdin)
        pipe.write("\n")
        pipe.flush()

    return trigger


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.99 * len(values)) - 1)]


def idle(scale: Scale, database: Database, results: Results) -> None:
    """A daemon whose client has nothing new, at its default schedule of 60 s."""
    with Source(profiles=0) as source, Folders() as folders:
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
    work = f"syncd status, {scale.memory[-1]:,} applications"
    add(Comparison("start", work, "syncd --help", "ms", took["status"], took["help"], 3.0))


def _confirm_nearly_all(database: Database) -> None:
    """Of the applications that `memory` has landed, all but one in a hundred are confirmed, as after years."""
    database.execute(
        "UPDATE ats.application SET confirmed_revision = revision WHERE hashtext(profile_id) % 100 <> 0"
    )
    database.execute("UPDATE ats.media SET state = 'stored' WHERE hashtext(profile_id) % 100 <> 0")
    database.execute("VACUUM ANALYZE")


def machine() -> dict[str, str]:
    """What this runs on."""
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
        "python": sys.version.split()[0],
    }
