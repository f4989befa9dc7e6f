"""`syncd jobs`: import from a file or a pipe, and the list with its applications."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from syncd.sandbox import SandboxConfig, Tenant
from tests.integration.test_commands_terminal import HOSTILE, STEERING
from tests.starter import CLEAN, run
from tests.system.processes import Site, site


def piped(here: Site, content: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this as its standard input, and without any secret."""
    environ = CLEAN | {key: value for key, value in here.environ.items() if "SECRET" not in key}
    return run(arguments, env=environ, cwd=here.folder, input=content)


def test_a_list_comes_in_before_the_first_sync_and_applications_find_their_jobs(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=12, media_per_profile=0.0)) as here:
        served = {profile["externalReferenceId"] for profile in here.sandbox.expected("acme")}
        known = sorted(served - {None})[0]
        content = f"Referenz;Titel;Gehalt\n{known};Köchin;1\nnobody's;Koch;2\n".encode("cp1252")
        result = piped(here, content, "jobs", "import", "-")
        assert result.stdout == "acme: 2 jobs read: 2 new\n"
        assert result.stderr == (
            "syncd: the file is not UTF-8; it was read as Windows-1252\n"
            "syncd: the column 'Gehalt' is unknown and was ignored\n"
        )
        assert here.run("sync").returncode == 0
        listed = json.loads(here.run("jobs", "list", "--json").stdout)["jobs"]
        assert {job["external_reference_id"] for job in listed} == (served - {None}) | {"nobody's"}
        assert sum(job["applications"] for job in listed) == here.value(
            "SELECT count(external_reference_id) FROM ats.application"
        )
        unmatched = json.loads(here.run("jobs", "list", "--unmatched", "--json").stdout)["jobs"]
        assert {job["external_reference_id"] for job in unmatched} == served - {None, known}
        dry = json.loads(piped(here, content, "jobs", "import", "-", "--dry-run", "--json").stdout)
        assert (dry["client_id"], dry["dry_run"], dry["read"], dry["unchanged"]) == ("acme", True, 2, 2)


def test_a_file_with_mistakes_ends_with_code_2_and_all_of_them(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        path = tmp_path / "jobs.csv"
        path.write_text("reference,opened\n1,soon\n1,2026-11-01\n,\n,2026-11-01\n")
        result = here.run("jobs", "import", str(path))
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.splitlines() == [
            "syncd: line 2: opened is 'soon'; write a time like 2026-11-01, 2026-11-01T08:00 or 01.11.2026 08:00",
            "syncd: line 3: duplicate of the reference in line 2",
            "syncd: line 5: the reference is empty",
        ]
        assert here.run("jobs", "list").stdout == "No jobs.\n"


def test_with_several_clients_the_import_asks_for_one(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=1, tenants=(Tenant("beta", "beta-secret", 1),))
    with site(database_url, tmp_path, config) as here:
        result = piped(here, b"reference\n1\n", "jobs", "import", "-")
        assert result.returncode == 2
        assert "choose a client with --client: acme, beta" in result.stderr
        assert piped(here, b"reference\n1\n", "jobs", "import", "-", "--client", "beta").returncode == 0
        assert here.rows("SELECT client_id, external_reference_id FROM ats.job") == [("beta", "1")]


def test_titles_and_references_cannot_steer_the_terminal(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        cells = [f'"{HOSTILE}{number}"' for number in range(6)]
        content = "reference,title,department,location,recruiter,status\n" + ",".join(cells) + "\n"
        content += '=cmd|"/c calc"!A1,<script>alert(1)</script>,,,,\n'.replace('"', "'")
        assert piped(here, content.encode(), "jobs", "import", "-").returncode == 0
        result = here.run("jobs", "list")
        assert result.returncode == 0
        assert len(result.stdout.splitlines()) == 2
        assert STEERING.search(result.stdout) is None
        assert "\\x1b[2J" in result.stdout
        assert here.rows("SELECT title FROM ats.job ORDER BY 1 DESC") == [
            ("<script>alert(1)</script>",),
            (f"{HOSTILE}1",),
        ]
        mistaken = content.replace("department", f'"{HOSTILE}"').encode() + b",,,,,\n"
        refused = piped(here, mistaken.replace(b"status", b"opened"), "jobs", "import", "-")
        assert refused.returncode == 2
        assert STEERING.search(refused.stdout + refused.stderr) is None


def test_a_time_at_the_end_of_the_calendar_and_a_client_nobody_knows_crash_no_list(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1, media_per_profile=0.0)) as here:
        assert here.run("sync").returncode == 0
        here.execute(
            "INSERT INTO ats.job (client_id, external_reference_id) VALUES ('acme', 'z') ON CONFLICT DO NOTHING"
        )
        here.execute(
            "UPDATE ats.application SET external_reference_id = 'z', applied_at = '9999-12-31 23:30:00+00'"
        )
        assert "newest 9999-12-31 23:30 UTC" in here.run("jobs", "list").stdout
        for client in ("nobody", "\udcff"):
            unknown = here.run("jobs", "list", "--client", client)
            assert (unknown.returncode, unknown.stdout) == (2, "")
            assert "in the configuration; configured clients: acme" in unknown.stderr


def test_the_command_names_what_it_closes_and_notes_what_a_spreadsheet_did(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        assert (
            piped(here, "Job-ID;Stellentitel\n00123;Köchin\n".encode(), "jobs", "import", "-").returncode == 0
        )
        excel = b"Job-ID;Stellentitel\n123;K\xf6chin\n"
        dry = piped(here, excel, "jobs", "import", "-", "--complete", "--dry-run")
        assert dry.stdout == (
            "acme: 1 jobs read: 1 new, 1 closed (not in the file) (dry run: nothing was written)\n"
            "  would be closed: 00123  Köchin\n"
        )
        assert "syncd: line 2: the reference '123' is new, but '00123' is known." in dry.stderr
        facts = json.loads(
            piped(here, excel, "jobs", "import", "-", "--complete", "--dry-run", "--json").stdout
        )
        assert facts["closed"] == 1
        assert facts["closed_jobs"] == [{"reference": "00123", "title": "Köchin"}]
        assert any("line 2" in note for note in facts["notes"])
        assert "  closed: 00123  Köchin\n" in piped(here, excel, "jobs", "import", "-", "--complete").stdout
