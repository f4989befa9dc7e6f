"""Samples with py-spy where the time goes: `python -m bench.profile` writes the tables of docs/performance.md.

A sampled process is slower than a free one, so these are shares and no figures to compare.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench import process, report
from bench.machine import ROOT, WORK, Database, Source, clean_environment, environment_of, pipe_of
from bench.media import SMALL, Folders

BEGIN, END = "<!-- profiles: written by make bench-profile -->", "<!-- end of profiles -->"
PROFILES, FILES, LATENCIES = 20_000, 2_000, 150
SHOWN = 10
RAW = WORK / "py-spy.raw"
Samples = Counter[tuple[str, str]]


def main() -> None:
    """Sample each kind of work, and write the tables."""
    WORK.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(WORK)
    database = Database()
    try:
        tables = [table for profile in (text, files, one_application) for table in profile(database)]
    finally:
        database.server.close()
    tables.append(_imports())
    page = report.PAGE.read_text()
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    report.PAGE.write_text(f"{before}{BEGIN}\n" + "\n\n".join(tables) + f"\n{END}{after}")


def text(database: Database) -> Iterator[str]:
    """Profile a first load, and the same list again."""
    with Source(profiles=PROFILES) as source:
        database.fresh()
        for title in ("first load", "the same list again"):
            _sample(_stage("land", database, source, WORK / "media"))
            yield _table(f"{PROFILES:,} profiles, {title}")
            database.settle()


def files(database: Database) -> Iterator[str]:
    """Many small files."""
    with Source(profiles=FILES, files=1, file_size=SMALL) as source, Folders() as folders:
        database.fresh()
        subprocess.run(_stage("land", database, source, folders.new()), check=True, stdout=subprocess.DEVNULL)
        _sample(_stage("fetch", database, source, folders.new()))
        yield _table(f"{FILES:,} files of {SMALL // 1000} KB, in 16 threads")


def one_application(database: Database) -> Iterator[str]:
    """Profile new applications one after the other, each with two files."""
    with Source(profiles=LATENCIES, visible=0, file_size=SMALL) as source, Folders() as folders:
        database.fresh()
        with process.daemon(database, source, folders.new(), "every 7d") as running:
            spy = subprocess.Popen(_spy("--pid", str(running.pid)), stdout=subprocess.PIPE, text=True)
            pipe_of(spy.stdout).readline()  # it samples
            trigger = process.Trigger(running)
            for number in range(LATENCIES):
                process.shown_to_confirmed(source, number, trigger)
            spy.send_signal(2)
            pipe_of(spy.stdout).read()
            spy.wait()
        yield _table("one new application with two files at a time")


def _stage(name: str, database: Database, source: Source, media: Path) -> list[str]:
    url = database.url(driver="postgresql+psycopg")
    options = ["--source", source.url, "--database", url, "--media", str(media)]
    return [sys.executable, "-m", "bench.stage", name, *options]


def _spy(*what: str) -> list[str]:
    spy = environment_of("py_spy").with_name("py-spy")
    return [str(spy), "record", "--rate", "500", "--format", "raw", "--output", str(RAW), *what]


def _sample(command: list[str]) -> None:
    subprocess.run(
        _spy("--", *command), check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _table(title: str) -> str:
    """Return the places in syncd with the most samples, with the package that syncd had called there."""
    samples: Samples = Counter()
    for line in RAW.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        if place := _place(stack.split(";")):
            samples[place] += int(count)
    total = samples.total()
    lines = [f"| {title}: share | in | busy with |", "|---|---|---|"]
    lines += [
        f"| {count / total:.0%} | {where} | {what} |" for (where, what), count in samples.most_common(SHOWN)
    ]
    return "\n".join(lines)


def _place(frames: list[str]) -> tuple[str, str] | None:
    """Return syncd's deepest frame and the package that was running; None for the start and for waiting threads."""
    ours = [frame for frame in frames if "(syncd/" in frame]
    if not ours or any("importlib" in frame for frame in frames):
        return None
    if "threading.py" in frames[-1] or "(syncd/signals.py" in ours[-1]:
        return None
    function, _, place = ours[-1].partition(" (")
    if frames[-1] == ours[-1]:
        return (
            f"`{place.rpartition(':')[0].removeprefix('syncd/')}` {function}",
            "itself, and what it calls in C",
        )
    package = frames[-1].partition(" (")[2].partition("/")[0].partition(".py")[0]
    return f"`{place.rpartition(':')[0].removeprefix('syncd/')}` {function}", package


def _imports() -> str:
    """Measure the imports of `syncd status` in milliseconds with `-X importtime`."""
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-c",
        "import syncd.cli.status, syncd.cli.database, syncd.store.status",
    ]
    run = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=clean_environment({})
    )
    took: Counter[str] = Counter()
    for line in run.stderr.splitlines()[1:]:
        own, _, name = (part.strip() for part in line.removeprefix("import time:").split("|"))
        took[name.partition(".")[0]] += int(own)
    lines = ["| `syncd status`: ms | importing |", "|---|---|"]
    lines += [f"| {own / 1000:.0f} | {name} |" for name, own in took.most_common(SHOWN)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
