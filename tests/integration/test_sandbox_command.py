"""`syncd sandbox` in a process of its own: what it prints, how it is controlled, how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from syncd.cli.sandbox import sandbox

COMMAND = (sys.executable, "-c", "from syncd.cli.sandbox import sandbox; sandbox()")


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_url_and_ends_with_0_at_a_signal(number: int) -> None:
    with running("--profiles", "3", "--json", "--tenant", "globex:s:2") as process:
        facts = json.loads(first_line(process))
        assert facts["clients"] == [
            {"client_id": "acme", "client_secret": "sandbox-secret", "profiles": 3},
            {"client_id": "globex", "client_secret": "s", "profiles": 2},
        ]
        assert httpx.get(facts["url"] + "/_sandbox/ledger").status_code == 200
        assert end(process, number) == (0, "")


def test_the_greeting_holds_the_environment_ready_to_paste() -> None:
    with running() as process:
        assert process.stdout is not None
        text = "".join(process.stdout.readline() for _ in range(9))
        url = re.findall(r"http://127\.0\.0\.1:\d+", text)[0]
        assert f"export SYNCD_BASE_URL={url}\n" in text
        assert "export SYNCD_CLIENT_ID=acme\n" in text
        assert "export SYNCD_CLIENT_SECRET=sandbox-secret\n" in text
        assert f"Apply links: http://acme.localhost:{url.rpartition(':')[2]}/go/" in text
        end(process)


def test_a_running_sandbox_is_controlled_from_outside() -> None:
    with running("--profiles", "3", "--json", "--fault", "token:status=500,times=1") as process:
        with httpx.Client(base_url=json.loads(first_line(process))["url"]) as http:
            grant = {
                "grant_type": "client_credentials",
                "client_id": "acme",
                "client_secret": "sandbox-secret",
            }
            assert http.post("/token", data=grant).status_code == 500
            token = http.post("/token", data=grant).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            ids = [profile["profileId"] for profile in http.get("/api/applicant/v1/profiles").json()]
            assert len(ids) == 3
            assert http.post("/_sandbox/profiles?add=2").json() == {"profiles": 5}
            assert http.post(f"/_sandbox/profiles?change={ids[0]}&add_media=1").status_code == 200
            assert http.post("/_sandbox/profiles", content=b"{}").json() == {"profiles": 6}
            assert http.post("/_sandbox/profiles?add=1&client=nobody").status_code == 400
            assert (
                http.post("/_sandbox/faults", content="profiles:html,times=always").json()[0]["kind"]
                == "html"
            )
            assert http.get("/api/applicant/v1/profiles").text.startswith("<!doctype")
            assert http.post("/_sandbox/faults", content="profiles:explode").status_code == 400
            assert http.delete("/_sandbox/faults").json() == []
            assert len(http.get("/api/applicant/v1/profiles").json()) == 6
            http.post("/api/applicant/v1/confirm", json=[ids[0]])
            ledger = http.get("/_sandbox/ledger").json()
            assert ledger["confirms"] == [{"client": "acme", "ids": [ids[0]], "status": 200, "findings": []}]
            assert ledger["requests"]["POST /token 500"] == 1
            assert http.get("/_sandbox/audit").status_code == 400
            assert http.delete("/_sandbox/tokens").status_code == 200
            assert http.get("/api/applicant/v1/profiles").status_code == 401
        assert end(process) == (0, "")


def test_it_ends_with_1_and_names_the_finding_when_something_was_confirmed_too_early(
    database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
        connection.execute("INSERT INTO ats.client (client_id) VALUES ('acme')")
    audited = ("--database-url", database_url, "--media-root", str(tmp_path))
    with running("--profiles", "1", "--json", *audited) as process:
        with httpx.Client(base_url=json.loads(first_line(process))["url"]) as http:
            grant = {
                "grant_type": "client_credentials",
                "client_id": "acme",
                "client_secret": "sandbox-secret",
            }
            token = http.post("/token", data=grant).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            (profile,) = http.get("/api/applicant/v1/profiles").json()
            http.post("/api/applicant/v1/confirm", json=[profile["profileId"]])
            finding = f"{profile['profileId']!r}: 0 committed rows in ats.application, not 1"
            report = http.get("/_sandbox/audit").json()
            assert finding in report["findings"]
            assert report["findings_so_far"] == [finding]
        code, errors = end(process)
        assert code == 1
        assert finding in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fault", "profiles:explode"), "the kinds of fault are"),
        (("--tenant", "globex"), "ID:SECRET"),
        (("--media-gone", "3"), "a share of the files"),
        (("--after-confirm", "never"), "'leave', 'stay', 'once'"),
    ],
)
def test_a_wrong_switch_ends_it_with_2_and_says_what_is_allowed(
    arguments: tuple[str, ...], message: str
) -> None:
    result = CliRunner().invoke(sandbox, list(arguments))
    assert result.exit_code == 2
    assert message in result.output


def test_a_port_that_is_taken_is_named() -> None:
    with running("--json") as process:
        port = json.loads(first_line(process))["url"].rpartition(":")[2]
        ended = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=20)
        assert ended.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
        end(process)
