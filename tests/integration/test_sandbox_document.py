"""`docs/sandbox.md` is complete, and what it tells to type works."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from syncd.cli.sandbox import sandbox as command
from syncd.sandbox import ENDPOINTS, KINDS, Fault, Sandbox, SandboxConfig, parse_fault
from tests.integration.sandbox_calls import Calls

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def blocks(language: str, containing: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language and containing in block]


def test_every_switch_is_an_option_and_every_option_is_explained() -> None:
    assert {field.name for field in fields(SandboxConfig)} <= {option.name for option in command.params}
    flags = {flag for option in command.params for flag in option.opts}
    rows = re.findall(r"^\| (`-.*?) \|", TEXT, re.MULTILINE)
    explained = {flag.replace("--no-", "--") for row in rows for flag in re.findall(r"--[\w-]+", row)}
    assert explained == flags


def test_every_value_a_switch_takes_is_named() -> None:
    for option in command.params:
        values = getattr(option.type, "choices", ())
        assert not values or "\\|".join(values) in TEXT, option.name


def test_every_kind_of_fault_its_endpoints_and_its_keys_are_explained() -> None:
    section = TEXT.partition("## Faults")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == set(KINDS)
    assert [endpoint for endpoint in ENDPOINTS if f"`{endpoint}`" not in section] == []
    keys = {field.name for field in fields(Fault)} - {"on", "kind"}
    assert set(re.findall(r"`(\w+)=", section)) - set(KINDS) | {"status"} == keys
    assert parse_fault("profiles:slow=0.1") == parse_fault("profiles:slow,seconds_per_byte=0.1")


def test_faults_given_as_examples_are_spelled_right() -> None:
    spelled = [word for block in blocks("", "any:drop_before") for word in block.split()]
    spelled += re.findall(r"--fault\s+(media:[^\s`]+)", TEXT)
    assert len(spelled) == 5
    assert [parse_fault(each).kind for each in spelled]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_calls_by_hand_work_one_after_the_other(tmp_path: Path) -> None:
    api, pages, control = blocks("sh", "curl")
    with Sandbox(SandboxConfig()) as running:
        output = run(api.replace("http://127.0.0.1:8765", running.url), tmp_path)
        assert '"templateKey"' in output
        assert output.splitlines()[-1].count('{"confirmed": 1}') == 1
        assert (tmp_path / "cv.pdf").read_bytes()[:5] == b"%PDF-"
        assert [request.status for request in running.ledger.requests] == [200] * 6
        ((_, asked_for, recruiter),) = running.ledger.chats
        assert running.ledger.confirms[0].ids == (asked_for,)
        assert recruiter == "Frau Jäger"

        output = run(pages.replace("http://127.0.0.1:8765", running.url), tmp_path)
        assert "Du bewirbst dich als" in (tmp_path / "interview.html").read_text(encoding="utf-8")
        *_, applied = running.expected()
        assert output.startswith(f"X-Sandbox-Profile: {applied['profileId']}")
        assert (applied["externalReferenceId"], applied["firstName"]) == ("LG/10233", "Ayşe")
        assert json.loads((tmp_path / "openapi.json").read_bytes())["openapi"].startswith("3.1")

        output = run(control.replace("http://127.0.0.1:8765", running.url), tmp_path)
        assert output.startswith('{"profiles": 221}[{"on": "profiles", "kind": "html"')
        assert '"times": 2' in output
        assert '"POST /api/applicant/v1/confirm 200": 1' in output
        assert running.findings == []


def run(script: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("curl -s", "curl -sS --fail")],
        cwd=folder,
        env={**os.environ, "PATH": path, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_its_python_runs_with_a_client_where_the_dots_are(capsys: pytest.CaptureFixture[str]) -> None:
    def take_over(running: Sandbox) -> None:
        running.clear_faults()
        calls = Calls(running)
        with closing(calls.http):
            assert calls.confirm(calls.ids()).status_code == 200

    (program,) = blocks("python")
    assert program.count("    ...") == 2
    program = program.replace("    ...", "    take_over(sandbox)")
    exec(compile(program, "sandbox.md", "exec"), {"take_over": take_over})
    assert capsys.readouterr().out.endswith(" 1\n")


def test_methods_it_names_exist() -> None:
    named = re.findall(r"`(\w+)\(", TEXT.partition("More methods: ")[2])
    assert len(named) == 12
    assert [name for name in named if not hasattr(Sandbox, name)] == []
