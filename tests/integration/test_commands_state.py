"""`syncd check`, `status` and `verify`: what they find, what they say to do, and their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from syncd.sandbox import Fault, SandboxConfig, Tenant
from tests.system.processes import Site, site


def findings(here: Site, *, code: int, **environ: str) -> dict[str, str | None]:
    """What `check --json` says: each check with its problem."""
    result = here.run("check", "--json", **environ)
    assert result.returncode == code, result
    return {found["check"]: found["problem"] for found in json.loads(result.stdout)["checks"]}


def test_check_is_content_with_a_sound_installation_and_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        rows = here.rows_as_they_are()
        result = here.run("check")
        assert (result.returncode, result.stderr) == (0, "")
        *lines, advice = result.stdout.splitlines()
        assert len(lines) == 13
        assert all(line.startswith("ok    ") for line in lines)
        assert advice == (
            "WARN  database.url: role 'postgres' is a superuser; "
            "a role that may only change rows is safer: see `syncd db roles`"
        )
        assert here.rows_as_they_are() == rows
        assert not here.media_root.exists()
        asked = {request.path for request in here.sandbox.ledger.requests}
        assert asked == {"/token", "/api/applicant/v1/profiles"}


def test_check_reports_every_fault_at_once_each_with_its_remedy(
    empty_database_url: str, tmp_path: Path
) -> None:
    with site(empty_database_url, tmp_path) as here:
        (tmp_path / "media").mkdir()
        (tmp_path / "media" / ".tmp").write_text("a file where a folder should be")
        found = findings(here, code=1, CLIENT_SECRET="canary-secret")
        problems = [problem for problem in found.values() if problem]
        assert len(problems) == 3
        assert "run `syncd db upgrade`" in problems[0]
        assert "Free space, or check the mount and its owner." in problems[1]
        assert "Check client_id, client_secret, token_auth and token_format" in problems[2]
        text = here.run("check", CLIENT_SECRET="canary-secret")
        assert text.returncode == 1
        assert text.stdout.count("FAIL  ") == 3
        assert all(f"      {problem}\n" in text.stdout for problem in problems)
        assert "canary-secret" not in text.stdout + text.stderr


def test_check_warns_of_settings_that_do_nothing_yet_without_changing_its_exit_code(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        environ = {"RETENTION_DAYS": "90", "RAW_RETENTION_DAYS": "30"}
        text = here.run("check", **environ)
        assert text.returncode == 0
        warnings = [line for line in text.stdout.splitlines() if line.startswith("WARN  ")]
        assert ["is reserved and does nothing yet" in warning for warning in warnings] == [True, True, False]
        answer = json.loads(here.run("check", "--json", **environ).stdout)
        assert [f"WARN  {warning}" for warning in answer["warnings"]] == warnings
        assert all(found["problem"] is None for found in answer["checks"])


def test_check_answers_4_when_only_the_database_is_not_fit(empty_database_url: str, tmp_path: Path) -> None:
    with site(empty_database_url, tmp_path) as here:
        found = findings(here, code=4)
        assert sum(problem is not None for problem in found.values()) == 1


def test_check_says_when_nothing_answers(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        away = {"DATABASE__URL": "postgresql://x@127.0.0.1:1/x", "BASE_URL": "http://127.0.0.1:1"}
        found = findings(here, code=1, **away)
        problems = [problem for problem in found.values() if problem]
        assert len(problems) == 2
        assert "nothing listens at the address of database.url" in problems[0]
        assert "base_url" in problems[1]


def status(here: Site, *options: str) -> list[dict[str, Any]]:
    result = here.run("status", "--json", *options)
    assert (result.returncode, result.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(result.stdout)["clients"]
    return found


def test_status_of_a_client_that_was_never_synced(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        (entry,) = status(here)
        assert entry["last_ok"] is entry["age_seconds"] is entry["last_outcome"] is entry["synced_by"] is None
        assert (entry["unconfirmed"], entry["pending_media"], entry["quarantined"]) == (0, 0, 0)
        text = here.run("status")
        assert "last ok          never" in text.stdout
        assert "synced by        no process right now" in text.stdout


def test_status_counts_what_is_not_done_and_tells_the_age_of_the_oldest(
    database_url: str, tmp_path: Path
) -> None:
    bad = frozenset({"P-900"})
    with site(database_url, tmp_path, SandboxConfig(profiles=10, bad_confirm_ids=bad)) as here:
        assert here.run("sync").returncode == 0
        (entry,) = status(here)
        assert entry["last_outcome"] == "ok"
        assert entry["age_seconds"] < 60
        assert datetime.fromisoformat(entry["last_ok"]) > datetime.now(UTC) - timedelta(seconds=60)
        assert datetime.fromisoformat(entry["next_run"]) - datetime.fromisoformat(
            entry["last_ok"]
        ) < timedelta(seconds=2)
        here.sandbox.put_raw_profile(b'{"profileId": "P-900", "steps": []}')
        here.sandbox.put_raw_profile(b'{"profileId": "broken", "steps": 7}')
        here.sandbox.add_profiles(5)
        here.sandbox.inject(Fault("media", "status", status=503, times=None))
        assert here.run("sync").returncode == 3
        here.execute(
            "UPDATE ats.application SET first_seen_at = now() - interval '50 h' WHERE profile_id = 'P-900'"
        )
        (entry,) = status(here)
        pending = here.value("SELECT count(*) FROM ats.media WHERE state = 'pending'")
        waiting = here.value("SELECT count(DISTINCT profile_id) FROM ats.media WHERE state = 'pending'")
        assert entry["last_outcome"] == "partial"
        assert (entry["pending_media"], entry["quarantined"], entry["confirm_refused"]) == (pending, 1, 1)
        assert entry["unconfirmed"] == waiting + 1
        assert 180_000 <= entry["oldest_unconfirmed_seconds"] < 180_100
        text = here.run("status").stdout
        assert f"unconfirmed      {waiting + 1}, oldest: 2 d, 1 of them refused\n" in text
        assert f"pending media    {pending}\n" in text


def test_status_says_who_works_for_a_client_and_why_the_last_cycle_failed(
    database_url: str, tmp_path: Path
) -> None:
    with site(
        database_url, tmp_path, SandboxConfig(profiles=3, tenants=(Tenant("beta", "beta-secret", 3),))
    ) as here:
        here.sandbox.inject(Fault("profiles", "status", status=403, times=1))
        with here.start("run", CLIENTS__0__SCHEDULE="every 7d", CLIENTS__1__SCHEDULE="every 7d") as daemon:
            daemon.wait_for("cycle_failed")
            daemon.wait_for("cycle_finished")
            entries = status(here)
            assert [entry["client_id"] for entry in entries] == ["acme", "beta"]
            assert all(entry["synced_by"].endswith(f"/{daemon.pid}") for entry in entries)
            failed = next(entry for entry in entries if entry["last_outcome"] == "failed")
            assert failed["last_error"] == "PitchYou refused the list of profiles with HTTP 403"
            text = here.run("status", "--client", failed["client_id"])
            assert f"last cycle       failed: {failed['last_error']}\n" in text.stdout
            assert daemon.stop() == 0
        assert {entry["synced_by"] for entry in status(here)} == {None}


WATCHED = """
import atexit, sys
import psycopg

said = []
execute = psycopg.Cursor.execute


def note(cursor, query, *rest, **named):
    said.append(" ".join(str(query).split()))
    return execute(cursor, query, *rest, **named)


psycopg.Cursor.execute = note
atexit.register(lambda: print(*said, sep="\\n", file=sys.stderr))
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv = ["syncd", "status"]
from syncd.cli import main
main()
"""


def test_status_asks_as_much_for_many_clients_as_for_one_and_imports_only_what_it_needs(
    database_url: str, tmp_path: Path
) -> None:
    tenants = tuple(Tenant(f"t{number}", "secret", number) for number in range(1, 4))
    with site(database_url, tmp_path, SandboxConfig(profiles=1, tenants=tenants)) as here:
        result = subprocess.run(
            [sys.executable, "-c", WATCHED],
            env={**os.environ, **here.environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("last cycle       none") == 4
    modules, *said = result.stderr.splitlines()
    unneeded = {"httpx", "httpcore", "apscheduler", "syncd.pitchyou", "syncd.media", "syncd.sync"}
    assert not unneeded & set(modules.split())
    # Our settings and four of SQLAlchemy at its first connect; then our session, is there a table of revisions, which one, and the status.
    assert len(said) == 9, said
    assert sum("set_config" in statement for statement in said) == 1  # one transaction


def damage(here: Site) -> dict[str, str]:
    """Damage one stored file, remove a second, and put a third where none belongs. Gives kind by path."""
    damaged, missing = (
        path for (path,) in here.rows("SELECT storage_path FROM ats.media ORDER BY 1 LIMIT 2")
    )
    (here.media_root / damaged).write_bytes(b"not what was stored")
    (here.media_root / missing).unlink()
    orphan = f"{Path(damaged).parent}/nobody"
    (here.media_root / orphan).write_bytes(b"?")
    return {damaged: "damaged", missing: "missing", orphan: "orphan"}


def test_verify_finds_damaged_missing_and_orphaned_files_and_repair_mends_them(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path) as here:
        assert here.run("sync").returncode == 0
        sound = here.run("verify")
        assert (sound.returncode, sound.stdout) == (0, "acme: 0 faults\n")
        assert here.value("SELECT count(*) FROM ats.media WHERE verified_at IS NULL") == 0
        wrong = damage(here)
        result = here.run("verify")
        assert result.returncode == 1
        *lines, total, hint = result.stdout.splitlines()
        assert sorted(lines) == sorted(f"acme: {kind} {path}" for path, kind in wrong.items())
        assert total == "acme: 3 faults"
        assert hint.startswith("Run `syncd verify --repair` to download missing and damaged files again")
        told = json.loads(here.run("verify", "--json").stdout)["clients"]["acme"]
        assert {fault["path"]: fault["kind"] for fault in told["faults"]} == wrong
        assert told["mended"] == 0
        repaired = here.run("verify", "--repair")
        assert repaired.returncode == 0
        *_, moved, advice, total = repaired.stdout.splitlines()
        assert total == "acme: 3 faults, 3 repaired"
        assert moved.startswith("acme: application '")
        assert moved.endswith(" moved to .lost/acme")
        assert "restore the right database, move the files back" in advice
        again = here.run("verify")
        assert (again.returncode, again.stdout) == (
            0,
            "acme: 2 files in .lost/acme were not compared\nacme: 0 faults\n",
        )
        here.assert_complete()


def test_a_file_that_waits_for_its_removal_is_no_fault_and_is_not_kept(
    database_url: str, tmp_path: Path
) -> None:
    """A crash may lie between landing, which drops the row, and the removal."""
    with site(database_url, tmp_path, SandboxConfig(profiles=3, media_per_profile=1.0)) as here:
        assert here.run("sync").returncode == 0
        path, profile_id, media_id = here.rows("SELECT storage_path, profile_id, media_id FROM ats.media")[0]
        here.execute("DELETE FROM ats.media WHERE media_id = %s", media_id)
        assert here.run("verify").stdout.startswith(f"acme: orphan {path}\nacme: 1 fault\n")
        here.execute("INSERT INTO ops.media_removal VALUES ('acme', %s, %s)", profile_id, media_id)
        for option in ([], ["--repair"]):
            assert here.run("verify", *option).stdout.startswith("acme: 0 faults")
        assert (here.media_root / path).exists()
        assert here.run("sync").returncode == 0
        assert not (here.media_root / path).exists()
        assert not list((here.media_root / ".lost").rglob("*"))


def test_verify_says_what_cannot_be_brought_back(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=10, media_after_confirm=False)) as here:
        assert here.run("sync").returncode == 0
        damage(here)
        result = here.run("verify", "--repair", "--json")
        assert result.returncode == 1
        told = json.loads(result.stdout)["clients"]["acme"]
        assert (len(told["faults"]), told["mended"], told["lost"]) == (3, 1, 1)
        [moved] = told["moved"]
        assert moved["path"] == f"acme/{quote(moved['profile_id'])}/nobody"
        assert moved["to"] == f".lost/{moved['path']}"
