"""The size that the promises are measured at: 5,000 profiles and 8,000 files, under each reading of the contract."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncd.sandbox import Sandbox, SandboxConfig

PROFILES = 5_000
MOST_SYNCS = 40
PROFILES_PATH = "/api/applicant/v1/profiles"

READINGS: dict[str, dict[str, Any]] = {
    "confirmed profiles leave": {},
    "confirmed profiles stay": {"after_confirm": "stay"},
    "listed once only": {"after_confirm": "once"},
    "capped lists": {"list_cap": 700},
    "integer ids": {"id_type": "integer"},
    "guid ids": {"id_type": "guid"},
    "reserved characters in ids": {"id_type": "reserved"},
    "short-lived tokens": {"token_lifetime": 2},
    "no expires_in": {"token_lifetime": None},
    "basic and json": {"token_auth": "basic", "token_format": "json"},
    "wrapped confirm": {"confirm_wrapper": "profileIds"},
    "signed addresses": {"after_confirm": "stay", "signed_uris": True},
    "media late": {"media_late": 0.05, "media_late_tries": 1},
    "media gone": {"media_gone": 0.02},
    "media arrays and Content-Length": {"media_fields": "array", "list_transfer": "length"},
}


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("reading", READINGS)
def test_everything_is_stored_and_confirmed_once_at_full_size(
    reading: str, database_url: str, tmp_path: Path
) -> None:
    switches = READINGS[reading]
    config = SandboxConfig(
        profiles=PROFILES,
        database_url=database_url.replace("+psycopg", ""),
        media_root=tmp_path / "media",
        **switches,
    )
    with Sandbox(config) as sandbox:
        environ = _environment(config, sandbox.url, database_url, tmp_path / "media")
        for _ in range(MOST_SYNCS):
            result = _sync(environ)
            if not result["new"] and not result["confirmed"] and not _pending(database_url):
                break
        report = sandbox.audit(confirmed_once=True)
        assert report.findings == []
        assert sandbox.findings == []
        assert report.profiles == PROFILES
        assert report.media >= 7_900

        before, requests = _versions(database_url), len(sandbox.ledger.requests)
        again = _sync(environ)
        assert (again["new"], again["changed"], again["media_stored"], again["confirmed"]) == (0, 0, 0, 0)
        assert _versions(database_url) == before
        assert {request.path for request in sandbox.ledger.requests[requests:]} <= {"/token", PROFILES_PATH}


def _environment(config: SandboxConfig, url: str, database_url: str, media_root: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SYNCD_DATABASE__URL": database_url,
        "SYNCD_MEDIA__ROOT": str(media_root),
        "SYNCD_CLIENT_ID": config.client_id,
        "SYNCD_CLIENT_SECRET": config.client_secret,
        "SYNCD_BASE_URL": url,
        "SYNCD_TOKEN_AUTH": config.token_auth,
        "SYNCD_TOKEN_FORMAT": config.token_format,
        "SYNCD_SYNC__MEDIA_RETRY": "0.1s",
        "SYNCD_SYNC__MEDIA_GONE_AFTER": "2s",
        **({"SYNCD_CONFIRM_WRAPPER": config.confirm_wrapper} if config.confirm_wrapper else {}),
    }


def _sync(environ: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "sync", "--json"], env=environ, capture_output=True, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    (result,) = json.loads(done.stdout)["clients"]
    found: dict[str, Any] = result
    return found


def _pending(database_url: str) -> bool:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM ats.media WHERE state = 'pending')").fetchone()
    return bool(row and row[0])


def _versions(database_url: str) -> list[tuple[Any, ...]]:
    """One line per table that changes with any write to it: where each row lies and which transaction wrote it."""
    tables = ("application", "application_contact", "answer", "media", "attachment", "application_raw", "job")
    query = " UNION ALL ".join(
        f"SELECT '{name}', count(*), md5(string_agg(xmin::text || ctid::text, ',' ORDER BY ctid)) FROM ats.{name}"
        for name in tables
    )
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        return sorted(connection.execute(query).fetchall())
