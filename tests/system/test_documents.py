"""The documents tell the truth: their commands run, their output comes, their links lead somewhere."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from textwrap import dedent

import pytest

from syncd import __version__
from syncd.cli import COMMANDS
from syncd.embedded import EmbeddedPostgres
from syncd.embedded.machine import free_port
from syncd.sandbox import Sandbox, SandboxConfig

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path for path in ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("SYNCD_", "PG"))}


# Run a daemon, ask it to end after its first cycle, and show what it logged; it must end well.
FOR_ONE_CYCLE = """for_one_cycle() {
  "$@" > daemon.log 2>&1 &
  until grep -q cycle_finished daemon.log || ! kill -0 $! 2> /dev/null; do sleep 0.1; done
  kill $! || true
  wait $! || { cat daemon.log; exit 1; }
  cat daemon.log
}
"""


def blocks(document: str, language: str) -> list[str]:
    fenced = rf"^ *```{language}\n(.*?)^ *```$"
    found = re.findall(fenced, (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    return [dedent(block) for block in found]


def run_script(script: str, cwd: Path) -> str:
    """Run as one shell; what it left in the background ends with it."""
    environ = CLEAN | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(cwd)}
    trap = "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", trap + script],
        env=environ,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.mark.long
def test_commands_of_the_readme_work_one_after_the_other(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    port = free_port()
    for name in ("database_password", "acme_secret"):
        (tmp_path / name).write_text(own_postgres.password)
        (tmp_path / name).chmod(0o600)
    listening = f"until (: < /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done"
    script = "".join(blocks("README.md", "sh"))
    for written, here in {
        "make demo ": f"make -C '{ROOT}' -n demo ",  # what it runs is tested in test_demo.py
        "make test ": f"make -C '{ROOT}' -n test ",  # would begin anew here
        "syncd_writer@db.example/ats": f"postgres@127.0.0.1:{own_postgres.port}/postgres",
        "/etc/syncd/": f"{tmp_path}/",
        "/var/lib/syncd/media": f"{tmp_path}/media",
        "--port 8765 &\n": f"--port {port} &\n{listening}\n",
        "127.0.0.1:8765": f"127.0.0.1:{port}",
        "\nsyncd run ": "\nfor_one_cycle syncd run ",
    }.items():
        assert written in script
        script = script.replace(written, here)
    output = run_script(FOR_ONE_CYCLE + script, tmp_path)
    for line in (
        "PitchYou sandbox: ",
        "The schema is at revision ",
        "ok    PitchYou issues a token to client 'acme'",
        "acme: ok - 200 listed: 200 new, 0 changed, 0 unchanged",
        '"event": "cycle_finished"',
        '"event": "daemon_stopped"',
        "  unconfirmed      0",
    ):
        assert line in output, output
    assert "FAIL" not in output


def test_picture_in_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    assert "(docs/images/demo.svg)" in (ROOT / "README.md").read_text()
    picture = (ROOT / "docs" / "images" / "demo.svg").read_text()
    command, *shown = map(unescape, re.findall(r"<text[^>]*>(.*)</text>", picture))
    assert command == "$ make demo"
    assert len(shown) > 20
    printed = [_without_times(line) for line in run_script("syncd demo", tmp_path).splitlines()]
    strange = [line for line in shown if not _is_printed(_without_times(line), printed)]
    assert strange == []


def _is_printed(line: str, printed: list[str]) -> bool:
    """Whether the demo prints this line. The picture shortens long lines with an ellipsis."""
    return any(full == line or (line[-1:] == "…" and full.startswith(line[:-1])) for full in printed)


def _without_times(line: str) -> str:
    line = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", line)
    line = re.sub(r"\.localhost:\d+", ".ADDRESS", line)
    return re.sub(r" +", " ", re.sub(r"\d+\.\d s", "TIME", line))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text())
    targets = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_event_of_the_log_is_explained() -> None:
    in_code = set()
    for path in (ROOT / "syncd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and node.args
                and ast.unparse(node.func).startswith(("log.", "_log."))
            ):
                first = node.args[0]
                branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                in_code |= {each.value for each in branches if isinstance(each, ast.Constant)}
    section = (ROOT / "docs" / "operating.md").read_text().partition("## What the log says")[2]
    assert set(re.findall(r"^\| `(\w+)` \| \w+ \|", section, re.MULTILINE)) == in_code


def test_every_command_is_explained() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    assert [name for name in COMMANDS if f"| `syncd {name}" not in text] == []


def test_python_in_the_documentation_runs(tmp_path: Path) -> None:
    [program] = blocks("docs/python.md", "python")
    with Sandbox(SandboxConfig(profiles=5)) as sandbox:
        for written, here in {
            "https://api.pitchyou.de": sandbox.url,
            "the secret": sandbox.config.client_secret,
        }.items():
            assert written in program
            program = program.replace(written, here)
        command = [sys.executable, "-c", program]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert sorted(len(path.read_bytes()) for path in tmp_path.iterdir()) == sorted(
            record.size or 0 for record in sandbox.ledger.media.values()
        )
        assert sum(sandbox.ledger.times_confirmed("acme").values()) == 5
        assert sandbox.findings == []


def test_architecture_names_every_part_of_the_code_and_nothing_else() -> None:
    named = set(
        re.findall(r"`((?:syncd|migrations|config|tests)/[\w/.]*)`", (ROOT / "ARCHITECTURE.md").read_text())
    )
    named.discard("syncd/migrations")  # in the wheel only
    assert [name for name in named if not (ROOT / name).exists()] == []
    parts = {
        path.name + "/" * path.is_dir() for path in (ROOT / "syncd").iterdir() if path.name[0] not in "._"
    }
    assert {f"syncd/{part}" for part in parts} - named == {"syncd/sync/"}
    stages = {f"syncd/sync/{path.name}" for path in (ROOT / "syncd" / "sync").glob("[a-z]*.py")}
    assert stages - named == set()


def test_every_decision_is_linked_from_the_architecture() -> None:
    linked = set(re.findall(r"\(docs/adr/([\w-]+\.md)\)", (ROOT / "ARCHITECTURE.md").read_text()))
    decisions = {path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert linked == decisions
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert set(re.findall(r"\(([\w-]+\.md)\)", index)) == decisions


def test_make_commands_in_contributing_are_those_of_the_makefile() -> None:
    [targets] = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    documented = re.findall(r"^\| `make ([\w-]+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert set(documented) == set(targets.split())


def test_changelog_has_this_version() -> None:
    heading = rf"^## {re.escape(__version__)} - (\d{{4}}-\d\d-\d\d|not released yet)$"
    assert re.search(heading, (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
