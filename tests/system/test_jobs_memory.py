"""The memory of `syncd jobs import` does not grow with the length of the list."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.system.processes import Site, site
from tests.system.test_memory import peak_kb

LIMIT_KB = 96 * 1024


def write_jobs(path: Path, count: int, *, title: str = "Pflegefachkraft (m/w/d)") -> None:
    """A list as an ATS exports it, its references in no order."""
    with path.open("w", encoding="utf-8") as file:
        file.write("Referenz;Titel;Abteilung;Standort;Ansprechpartner;Status;Eröffnet;Geschlossen\n")
        for number in range(count):
            reference = f"JOB/{number * 7919 % 1_000_003:07}"
            file.write(f"{reference};{title} {number};Pflege;Köln;Jana Öz;open;01.11.2026 08:00;\n")


def peak_of_import(here: Site, path: Path, *options: str) -> int:
    began = time.monotonic()
    peak = peak_kb(here, "jobs", "import", str(path), *options)
    print(f"{path.name} {' '.join(options)}: {time.monotonic() - began:.1f} s, {peak / 1024:.0f} MB")
    return peak


@pytest.mark.thorough
def test_peak_memory_of_an_import_is_the_same_for_500_and_20_000_jobs(
    database_url: str, tmp_path: Path
) -> None:
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    write_jobs(few, 500)
    write_jobs(many, 20_000)
    with site(database_url, tmp_path) as here:
        assert peak_of_import(here, many) < peak_of_import(here, few) + 4 * 1024
        assert here.value("SELECT count(*) FROM ats.job WHERE origin = 'import'") == 20_000


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_peak_memory_of_an_import_stays_the_same_up_to_a_million_jobs(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "jobs.csv"
    with site(database_url, tmp_path) as here:
        for count in (10_000, 100_000, 1_000_000):
            write_jobs(path, count)
            assert peak_of_import(here, path) < LIMIT_KB
            assert here.value("SELECT count(*) FROM ats.job") == count
        assert peak_of_import(here, path, "--dry-run") < LIMIT_KB
        write_jobs(path, 1_000_000, title="Altenpfleger")
        assert peak_of_import(here, path, "--complete") < LIMIT_KB
        began = time.monotonic()
        assert json.loads(here.run("jobs", "list", "--unmatched", "--json").stdout) == {"jobs": []}
        assert time.monotonic() - began < 10


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_file_with_a_mistake_in_every_line_takes_no_more_memory(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("reference,opened\n" + "same,soon\n" * 500_000)
    with site(database_url, tmp_path) as here:
        result = here.run("jobs", "import", str(path))
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) == 1001
        assert result.stderr.splitlines()[-1] == "syncd: and 998,999 more errors"
