"""Measures the rows on files: many small files, a few large files, and complete applications end to end."""

import json
import shutil
import sys
from pathlib import Path

from bench.machine import ROOT, WORK, Database, Run, Source, environment_of, measured
from bench.profiles import identifier, media_ids
from bench.results import Comparison, Results
from bench.scale import Scale
from bench.text import peer, stage

SMALL, LARGE = 200_000, 10_000_000  # bytes


class Folders:
    """Creates a new folder per run and removes all at the end: ext4 searches long for free inodes among just removed ones."""

    def __init__(self) -> None:
        self._root = WORK / "files"
        self._count = 0

    def __enter__(self) -> "Folders":
        shutil.rmtree(self._root, ignore_errors=True)
        return self

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def new(self) -> Path:
        """Return the path of a folder that does not exist yet."""
        self._count += 1
        return self._root / str(self._count)


def files(scale: Scale, database: Database, results: Results) -> None:
    """syncd, curl and raw sockets in turn, each file synced."""
    for kind, count, size in (("small", scale.small_files, SMALL), ("large", scale.large_files, LARGE)):
        with Source(profiles=count, files=1, file_size=size) as source, Folders() as folders:
            for _ in range(scale.media_runs):
                database.fresh()
                stage("land", database, source)
                database.settle()
                results.note(
                    f"syncd {kind}", _per_gb(stage("fetch", database, source, folders.new()), count * size)
                )
                for name in ("curl", "raw_sockets"):
                    run = _fetched(name, source, folders.new(), count)
                    results.note(f"{name} {kind}", _per_gb(run, count * size))
        work = f"{count:,} files of {size / 1000:,.0f} KB"
        ours = results.of(f"syncd {kind}")
        add = results.comparisons.append
        add(Comparison("media", work, "curl --parallel, fsync", "s", ours, results.of(f"curl {kind}"), 1.0))
        add(
            Comparison(
                "media", work, "raw sockets, fsync", "s", ours, results.of(f"raw_sockets {kind}"), 1 / 0.8
            )
        )
        ours, theirs = (results.of(f"{name} {kind}", "cpu_s_per_gb") for name in ("syncd", "curl"))
        add(Comparison("media", work, "curl's CPU", "s/GB", ours, theirs, 2.5))


def _fetched(name: str, source: Source, folder: Path, count: int) -> Run:
    urls, config = WORK / "urls", WORK / "curl.config"
    numbers = range(count)
    lines = [f"{source.url}/api/media/v1/download/{identifier(n)}/{media_ids(n)[0]}\t{n}\n" for n in numbers]
    urls.write_text("".join(lines))
    command: list[str | Path] = [environment_of(name), ROOT / "bench" / "peers" / name / "main.py"]
    arguments: list[str | Path] = ["--urls", urls, "--media", folder]
    if name == "curl":
        measured([*command, "--prepare", "--config", config, *arguments])
        arguments = ["--config", config]
    return measured([*command, *arguments], source=source)


def _per_gb(run: Run, size: int) -> dict[str, float]:
    """Return the facts of a run without the start of Python: a daemon is already running, and curl does not use Python.

    CPU is that of syncd's stage with all it does, and of curl alone, without what syncs its files.
    """
    took = json.loads(run.output) if run.output.startswith("{") else {}
    cpu = took.get("curl_cpu", took.get("cpu", run.cpu))
    wall = took.get("wall", run.wall)
    return run.facts() | {
        "wall_s": wall,
        "cpu_s": cpu,
        "source_idle": max(0.0, 1 - run.source_cpu / wall),
        "cpu_s_per_gb": cpu / (size / 1e9),
    }


def whole(scale: Scale, database: Database, results: Results) -> None:
    """From the list to the last confirm, `syncd sync` against the in-house script."""
    with Folders() as folders:
        for _ in range(scale.whole_runs):
            with Source(profiles=scale.whole, files=1, file_size=SMALL) as source:
                database.fresh()
                run = measured(
                    [sys.executable, "-m", "syncd", "sync"],
                    database=database,
                    source=source,
                    environment=settings(database, source, folders.new()),
                )
                results.note("syncd whole", run.facts())
                _require_confirmed(source, scale.whole)
            with Source(profiles=scale.whole, files=1, file_size=SMALL) as source:
                database.fresh(schema=False)
                results.note("inhouse whole", peer("inhouse", database, source, folders.new()).facts())
                _require_confirmed(source, scale.whole)
    work = f"{scale.whole:,} profiles, a 200 KB file each, all confirmed"
    ours, theirs = results.of("syncd whole"), results.of("inhouse whole")
    results.comparisons.append(Comparison("end to end", work, "in-house script", "s", ours, theirs, 1 / 10))
    peaks = results.of("syncd whole", "peak_memory_mb")
    results.comparisons.append(Comparison("memory", work, "peak", "MB", peaks, limit=128.0))


def settings(database: Database, source: Source, media: Path, schedule: str = "every 60s") -> dict[str, str]:
    """Return the environment variables of a syncd for one client."""
    return {
        "SYNCD_CLIENT_ID": "bench",
        "SYNCD_CLIENT_SECRET": "secret",
        "SYNCD_BASE_URL": source.url,
        "SYNCD_SCHEDULE": schedule,
        "SYNCD_DATABASE__URL": database.url(),
        "SYNCD_MEDIA__ROOT": str(media),
    }


def _require_confirmed(source: Source, count: int) -> None:
    confirmed = source.ask("/bench/confirmed")
    if confirmed != count:
        raise AssertionError(f"{confirmed} of {count} profiles were confirmed")
