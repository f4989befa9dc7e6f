"""`syncd quarantine`: list, show, and retry after what was wrong has been mended."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from syncd.sandbox import SandboxConfig
from tests.system.processes import Site, site

BROKEN = json.dumps({"profileId": "P-1", "externalReferenceId": ["R"], "steps": []}).encode()


def listed(here: Site, *options: str) -> list[dict[str, Any]]:
    result = here.run("quarantine", "list", "--json", *options)
    assert (result.returncode, result.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(result.stdout)["quarantine"]
    return found


def retried(here: Site, *, code: int) -> dict[str, int]:
    result = here.run("quarantine", "retry", "--json")
    assert result.returncode == code, result
    found: dict[str, int] = json.loads(result.stdout)["clients"]["acme"]
    return found


def test_an_empty_quarantine_says_so(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path) as here:
        assert here.run("quarantine", "list").stdout == "The quarantine is empty.\n"
        assert listed(here) == []
        assert retried(here, code=0) == {"landed": 0, "overtaken": 0, "still_bad": 0}
        result = here.run("quarantine", "show", "7")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "No quarantine entry 7. Run `syncd quarantine list --all`.\n"


def test_show_gives_the_exact_bytes(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.sandbox.put_raw_profile(BROKEN)
        assert here.run("sync").returncode == 3
        (entry,) = listed(here)
        assert (entry["profile_id"], entry["client_id"], entry["stage"]) == ("P-1", "acme", "read")
        assert entry["size_bytes"] == len(BROKEN)
        number = str(entry["quarantine_id"])
        shown = json.loads(here.run("quarantine", "show", number, "--json").stdout)
        assert base64.b64decode(shown["payload_base64"]) == BROKEN
        line, payload = here.run("quarantine", "show", number).stdout.splitlines()
        assert line == here.run("quarantine", "list").stdout.splitlines()[0]
        assert "externalReferenceId is not a string" in line
        assert payload.encode() == BROKEN


def test_what_is_still_unreadable_stays_and_its_attempts_are_counted(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.sandbox.put_raw_profile(BROKEN)
        assert here.run("sync").returncode == 3
        assert retried(here, code=3) == {"landed": 0, "overtaken": 0, "still_bad": 1}
        assert retried(here, code=3) == {"landed": 0, "overtaken": 0, "still_bad": 1}
        (entry,) = listed(here)
        assert entry["attempts"] == 3
        assert here.run("quarantine", "retry").stdout == (
            "acme: 0 stored, 0 superseded by a newer version, 1 still unreadable\n"
        )


def test_what_a_later_version_can_read_is_landed_and_then_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    readable = json.dumps({"profileId": "P-1", "steps": [{"question": "Q", "answer": "A"}]}).encode()
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.sandbox.put_raw_profile(readable)
        # As if an earlier version of syncd had not been able to read it: the bytes are in quarantine, not landed.
        assert here.run("sync").returncode == 0
        here.execute("DELETE FROM ats.application WHERE profile_id = 'P-1'")
        here.execute(
            "INSERT INTO ops.quarantine (client_id, profile_id, stage, error, fingerprint, payload) "
            "VALUES ('acme', 'P-1', 'read', 'unknown to version 0.0.9', '\\x00', convert_to(%s, 'UTF8'))",
            readable.decode(),
        )
        assert retried(here, code=0) == {"landed": 1, "overtaken": 0, "still_bad": 0}
        assert listed(here) == []
        (resolved,) = listed(here, "--all")
        assert resolved["resolved_at"] is not None
        assert here.value("SELECT answer FROM ats.answer WHERE profile_id = 'P-1'") == "A"
        assert json.loads(here.run("sync", "--json").stdout)["clients"][0]["confirmed"] == 1
        here.assert_complete()


def test_an_entry_that_a_newer_answer_has_overtaken_does_not_undo_it(
    database_url: str, tmp_path: Path
) -> None:
    def version(answer: str) -> bytes:
        return json.dumps({"profileId": "P-1", "steps": [{"question": "Q", "answer": answer}]}).encode()

    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.execute(
            "INSERT INTO ops.quarantine (client_id, profile_id, stage, error, fingerprint, payload, first_seen_at) "
            "VALUES ('acme', NULL, 'read', 'unknown to version 0.0.9', '\\x00', convert_to(%s, 'UTF8'), "
            "now() - interval '1 day')",
            version("old").decode(),
        )
        here.sandbox.put_raw_profile(version("new"))
        assert here.run("sync").returncode == 3
        assert retried(here, code=0) == {"landed": 0, "overtaken": 1, "still_bad": 0}
        assert here.value("SELECT answer FROM ats.answer WHERE profile_id = 'P-1'") == "new"
        assert listed(here) == []


def test_what_the_database_refused_lands_once_the_database_takes_it(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=10)) as here:
        here.execute("ALTER TABLE ats.application ADD CONSTRAINT no_p CHECK (profile_id <> 'P-1') NOT VALID")
        here.sandbox.put_raw_profile(b'{"profileId": "P-1", "steps": []}')
        assert here.run("sync").returncode == 3
        (entry,) = listed(here)
        assert (entry["stage"], entry["error"]) == (
            "land",
            "Postgres refused a value of this profile (SQLSTATE 23514)",
        )
        assert here.value("SELECT count(*) FROM ats.application WHERE confirmed_at IS NOT NULL") == 10
        assert retried(here, code=3)["still_bad"] == 1
        here.execute("ALTER TABLE ats.application DROP CONSTRAINT no_p")
        assert retried(here, code=0)["landed"] == 1
        assert here.run("sync").returncode == 0
        here.assert_complete()


def test_client_limits_the_list(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.sandbox.put_raw_profile(BROKEN)
        assert here.run("sync").returncode == 3
        assert len(listed(here, "--client", "acme")) == 1
        assert here.run("quarantine", "list", "--client", "beta").returncode == 2
