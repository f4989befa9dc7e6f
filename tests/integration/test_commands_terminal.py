"""What a terminal gets and a pipe does not, and that nothing from outside can steer the terminal."""

from __future__ import annotations

import json
import os
import pty
import re
from pathlib import Path

import pytest

from syncd.sandbox import SandboxConfig
from tests.starter import CLEAN, start
from tests.system.processes import Site, site

# What begins a command to a terminal: ESC, and the one-byte forms of CSI, OSC and their like; bidi overrides.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\x08\u202egpj.exe"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def on_a_terminal(here: Site, *arguments: str, **environ: str) -> tuple[int, str]:
    """Run a command with a terminal as its output, and return the exit code and everything it wrote."""
    leader, follower = pty.openpty()
    process = start(
        arguments,
        env=CLEAN | dict(here.environ) | {"TERM": "xterm", "COLUMNS": "100"} | environ,
        cwd=here.folder,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    written = b""
    try:
        while piece := os.read(leader, 65_536):
            written += piece
    except OSError:  # how Linux says that the other side has closed
        pass
    finally:
        os.close(leader)
    return process.wait(30), written.decode()


def test_progress_is_drawn_on_a_terminal_and_gone_before_the_result(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=150), SYNC__BATCH_SIZE="10") as here:
        code, written = on_a_terminal(here, "sync")
        assert code == 0
        drawn = re.findall(r"\r\x1b\[Kacme: ([\d,]+) of 150 profiles read, [\d,]+ files", written)
        assert len(drawn) >= 2
        last = written.rpartition("\r\x1b[K")[2]
        assert last.startswith("acme: ok - 150 listed: 150 new")
        assert "\x1b" not in last
        piped = here.run("sync")
        assert "\x1b" not in piped.stdout + piped.stderr


def test_the_log_of_a_command_is_readable_on_a_terminal_and_json_in_a_pipe(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        here.sandbox.put_raw_profile(b'{"profileId": "one", "steps": 7}')
        (warning,) = here.run("sync").stderr.splitlines()
        assert json.loads(warning)["event"] == "profile_quarantined"
        here.sandbox.put_raw_profile(b'{"profileId": "two", "steps": 7}')
        code, written = on_a_terminal(here, "sync")
        assert code == 3
        assert "profile_quarantined" in written
        assert '"event"' not in written


@pytest.mark.long
def test_ids_and_payloads_from_outside_cannot_steer_the_terminal(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        profiles = (
            {"profileId": f"bad-{HOSTILE}", "steps": 7, "firstName": HOSTILE},
            {"profileId": f"good-{HOSTILE}", "steps": [{"question": HOSTILE, "answer": HOSTILE}]},
            {"profileId": "deep", "steps": [{"attachments": [{"mediaId": HOSTILE * 60}]}]},
        )
        for profile in profiles:
            here.sandbox.put_raw_profile(json.dumps(profile, ensure_ascii=False).encode())
        commands = [["sync"], ["sync", "--dry-run"], ["status"], ["verify"], ["quarantine", "list"]]
        commands += [["quarantine", "show", "1"], ["quarantine", "retry"]]
        for command in commands:
            result = here.run(*command)
            assert result.returncode in (0, 3), result
            assert STEERING.search(result.stdout) is None, command
            assert STEERING.search(result.stderr) is None, command
            if command[0] not in ("sync", "quarantine"):
                continue  # these print and log no id
            code, written = on_a_terminal(here, *command)
            assert code in (0, 3)
            own = re.sub(
                r"\x1b\[[0-9;]*m|\r\x1b\[K|\r\n", "", written
            )  # colours, the progress line, line ends
            assert STEERING.search(own) is None, (command, own)
        assert "bad-\\x1b[2J" in here.run("quarantine", "list").stdout
