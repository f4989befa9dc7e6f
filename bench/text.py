"""Measures the rows on text: first load, unchanged, one in a hundred changed, memory, and a database that is already full."""

import shutil
import sys
import time
from pathlib import Path

from bench.machine import ROOT, WORK, Database, Run, Source, environment_of, measured
from bench.results import Comparison, Results
from bench.scale import Scale

TABLES = (
    "client",
    "job",
    "application",
    "application_contact",
    "application_raw",
    "answer",
    "media",
    "attachment",
)


def stage(name: str, database: Database, source: Source, media: Path = WORK / "media") -> Run:
    """Run one stage of syncd on the newest fresh database."""
    url = database.url(driver="postgresql+psycopg")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "bench.stage",
        name,
        "--source",
        source.url,
        "--database",
        url,
        "--media",
        media,
    ]
    return measured(command, database=database, source=source)


def peer(name: str, database: Database, source: Source, folder: Path) -> Run:
    """Run one peer on the newest fresh database, in its own environment."""
    command: list[str | Path] = [
        environment_of(name),
        ROOT / "bench" / "peers" / name / "main.py",
        "--source",
        source.url,
    ]
    command += ["--database", database.url(), "--media", folder / "media", "--work", folder]
    return measured(command, database=database, source=source)


def loads(scale: Scale, database: Database, results: Results) -> None:
    """Run syncd, psql, dlt and dlt with Arrow in turn: first load, unchanged, and one in a hundred changed."""
    for number in range(scale.text_runs):
        with Source(profiles=scale.text) as source:
            _syncd(scale, database, source, results)
            _psql(database, results, export=number == 0)
            for name in ("dlt", "dlt_arrow"):
                database.fresh(schema=False)
                folder = WORK / "peers" / name
                # dlt stores its state there.
                shutil.rmtree(folder, ignore_errors=True)
                results.note(f"{name} first", peer(name, database, source, folder).facts())
                database.settle()
                results.note(f"{name} again", peer(name, database, source, folder).facts())
    first, again = results.of("syncd first"), results.of("syncd again")
    work = f"{scale.text:,} profiles, first load"
    add = results.comparisons.append
    add(Comparison("first load", work, "psql \\copy", "s", first, results.of("psql first"), 2.0))
    add(Comparison("first load", work, "dlt", "s", first, results.of("dlt first"), 1 / 6))
    add(Comparison("first load", work, "dlt with Arrow", "s", first, results.of("dlt_arrow first"), 1 / 1.5))
    work = f"{scale.text:,} profiles again, nothing changed"
    add(Comparison("unchanged", work, "dlt", "s", again, results.of("dlt again"), 1 / 20))
    add(Comparison("unchanged", work, "rows written", "rows", results.of("syncd again", "rows"), limit=0.0))
    add(Comparison("unchanged", work, "WAL written", "MB", results.of("syncd again", "wal_mb"), limit=1.0))
    changed = results.of("syncd changed")
    add(
        Comparison(
            "1 % changed", f"{scale.text:,} profiles, 1 % changed", "unchanged", "s", changed, again, 1.3
        )
    )


def _syncd(scale: Scale, database: Database, source: Source, results: Results) -> None:
    database.fresh()
    results.note("syncd first", stage("land", database, source).facts())
    database.settle()
    rows, wal = _rows_written(database), _wal(database)
    again = stage("land", database, source)
    # Postgres updates its row counts only after a connection has ended.
    time.sleep(1)
    written = {"rows": _rows_written(database) - rows, "wal_mb": (_wal(database) - wal) / 1e6}
    results.note("syncd again", again.facts() | written)
    database.settle()
    with Source(profiles=scale.text, changed=True) as other:
        results.note("syncd changed", stage("land", database, other).facts())


def _psql(database: Database, results: Results, *, export: bool) -> None:
    """Copy prepared CSV files into the same tables with the same keys, in one transaction."""
    folder = WORK / "csv"
    folder.mkdir(exist_ok=True)
    psql = database.server.bin_dir / "psql"
    if export:
        lines = [f"\\copy (SELECT * FROM ats.{table}) TO '{folder / table}.csv' CSV" for table in TABLES]
        measured(
            [psql, "-q", "-v", "ON_ERROR_STOP=1", database.url()], standard_input="\n".join(lines) + "\n"
        )
    database.fresh()
    lines = [f"\\copy ats.{table} FROM '{folder / table}.csv' CSV" for table in TABLES]
    command: list[str | Path] = [psql, "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", "-", database.url()]
    results.note(
        "psql first", measured(command, database=database, standard_input="\n".join(lines) + "\n").facts()
    )


def _rows_written(database: Database) -> float:
    """Count the rows inserted, updated and deleted since the database was created."""
    query = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables WHERE schemaname = 'ats'"
    return float(database.execute(query)[0][0])


def _wal(database: Database) -> float:
    return float(database.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")[0][0])


def memory(scale: Scale, database: Database, results: Results) -> None:
    """Land lists of three lengths, then new applications into the database that the longest list has filled."""
    peaks = []
    for count in scale.memory:
        database.fresh("full" if count == scale.memory[-1] else "bench")
        with Source(profiles=count) as source:
            run = stage("land", database, source)
        results.note(f"syncd memory {count}", run.facts())
        peaks.append(run.peak_memory / 1e6)
        work = f"{count:,} profiles in one answer"
        results.comparisons.append(Comparison("memory", work, "peak", "MB", peaks[-1:], limit=128.0))
    work = f"{scale.memory[-1]:,} profiles against {scale.memory[0]:,}"
    flat = Comparison("memory", work, f"{scale.memory[0]:,} profiles", "MB", peaks[-1:], peaks[:1], 1.3)
    results.comparisons.append(flat)
    _into_a_full_store(scale, database, results)


def _into_a_full_store(scale: Scale, database: Database, results: Results) -> None:
    for number in range(scale.added_runs):
        # Earlier additions stay. Each run adds other applications, to the full database and to an empty one.
        with Source(profiles=scale.added, first=scale.memory[-1] + number * scale.added) as source:
            database.name = "full"
            database.settle()
            results.note("syncd into full", stage("land", database, source).facts())
            database.fresh("bench")
            results.note("syncd into empty", stage("land", database, source).facts())
    ours, theirs = results.of("syncd into full"), results.of("syncd into empty")
    work = f"{scale.added:,} new ones, {scale.memory[-1]:,} applications in the store"
    results.comparisons.append(Comparison("full store", work, "empty store", "s", ours, theirs, 1.3))
