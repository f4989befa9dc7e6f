"""Output that a terminal cannot show, that a disk does not take or that nobody reads: no crash, a sentence, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from syncd.sandbox import Fault, SandboxConfig
from tests.integration.test_commands_terminal import on_a_terminal
from tests.starter import CLEAN, ROOT, start
from tests.system.processes import MANY, Site, eventually, site

pytestmark = pytest.mark.slow

NONE = SandboxConfig(profiles=0)
LIST = "reference,title\n1,Łódź 🚲\n"


def ended(
    here: Site, *arguments: str, stdout: int | IO[Any] | None = None, **environ: str
) -> tuple[int, bytes, str]:
    """Run a command with these variables, and return its exit code, its output and what it wrote to stderr."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        env = CLEAN | dict(here.environ) | environ
        process = start(
            arguments, env=env, cwd=here.folder, stdout=out if stdout is None else stdout, stderr=err
        )
        code = process.wait(240)
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read().decode("latin-1")


@contextmanager
def lost(kind: str) -> Iterator[int | IO[Any]]:
    """A standard output that takes nothing: a full disk, or a pipe that nobody reads."""
    if kind == "full":
        with Path("/dev/full").open("wb") as full:
            yield full
        return
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


LOST = {"full": "No space left on device", "unread": "Broken pipe"}


@pytest.mark.parametrize("encoding", ["iso-8859-1", pytest.param("ascii", marks=pytest.mark.thorough)])
def test_what_a_terminal_cannot_show_is_escaped(encoding: str, database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, NONE) as here:
        (tmp_path / "jobs.csv").write_text(LIST)
        assert here.run("jobs", "import", "jobs.csv").returncode == 0
        code, out, err = ended(here, "jobs", "list", PYTHONIOENCODING=encoding)
        assert (code, err) == (0, "")
        assert (
            b"\\u0141\\xf3d\\u017a" in out
            if encoding == "ascii"
            else "\\u0141ód\\u017a".encode(encoding) in out
        )
        code, out, _ = ended(
            here, "apply-link", "--job", "1", "--title", "Łódź", "--html", PYTHONIOENCODING=encoding
        )
        assert (code, b"bewerben: &#321;&#243;d&#378;" in out) == (0, True)
        code, _, err = ended(here, "jobs", "list", "--client", "Łódź", PYTHONIOENCODING=encoding)
        assert (code, "\\u0141" in err) == (2, True)


@pytest.mark.parametrize("kind", LOST)
def test_a_link_that_could_not_be_printed_is_stored_and_said(
    kind: str, database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here, lost(kind) as nowhere:
        (tmp_path / "jobs.csv").write_text(LIST)
        for arguments in (["--job", "1"], ["--job", "1", "--json"], ["--csv", "jobs.csv"]):
            code, _, err = ended(here, "apply-link", *arguments, stdout=nowhere)
            assert (code, err) == (
                1,
                f"syncd: standard output could not be written ({LOST[kind]}). The links are stored. Run the command again "
                "to print them.\n",
            )
        assert here.value("SELECT count(*) FROM ats.apply_link") == 2
        for command in (["jobs", "list"], ["--help"], ["db", "roles"]):
            code, _, err = ended(here, *command, stdout=nowhere)
            assert (code, err.count("\n")) == (1, 1)
            assert err.startswith("syncd: standard output could not be written")


def test_a_chat_that_could_not_be_printed_is_recorded_and_said(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here, lost("full") as nowhere:
        code, _, err = ended(here, "sync", stdout=nowhere)
        assert (code, err.count("\n")) == (1, 1)
        assert "What the command did before that stays done." in err
        assert here.value("SELECT count(*) FROM ats.application WHERE confirmed_revision = 1") == 1
        profile = next(here.sandbox.expected("acme"))["profileId"]
        code, _, err = ended(here, "chat", profile, stdout=nowhere)
        assert code == 1
        assert err.endswith("Nobody has the URL of this chat. Run the command again for another one.\n")
        assert here.value("SELECT count(*) FROM ats.chat_request") == 1


@pytest.mark.parametrize(
    "command", [["jobs", "import", "-"], ["apply-link", "--csv", "-"]], ids=lambda c: c[0]
)
def test_a_command_that_would_read_closed_input_says_so(
    command: list[str], database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here:
        result = subprocess.run(
            ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "syncd", *command],
            env=CLEAN | dict(here.environ),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stderr) == (
            2,
            "syncd: standard input is closed, so no file can be read from it\n",
        )


def test_a_command_in_a_folder_that_was_removed_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = 'cd gone && rmdir ../gone && exec "$@"'
    result = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "syncd", "status"],
        env=CLEAN | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "the current folder cannot be used (No such file or directory)" in result.stderr


def test_with_closed_output_no_chat_is_opened_and_a_sync_says_so(database_url: str, tmp_path: Path) -> None:
    def closed(streams: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "syncd", *arguments]
        env = CLEAN | dict(here.environ)
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        result = closed(">&-", "sync")
        assert (result.returncode, "(it is closed)" in result.stderr) == (1, True)
        assert here.value("SELECT count(*) FROM ats.application WHERE confirmed_revision = 1") == 1
        profile = next(here.sandbox.expected("acme"))["profileId"]
        result = closed(">&-", "chat", profile)
        assert (result.returncode, "Nothing was done." in result.stderr) == (1, True)
        assert here.sandbox.ledger.chats == []
        assert closed("<&- 2>&-", "sync").returncode == 0
        assert closed("2>/dev/full", "quarantine", "list", "--client", "typo").returncode == 2


def test_a_command_that_ctrl_c_ends_says_so_with_code_130(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        os.mkfifo(tmp_path / "fifo")
        # A test that runs in the background may have inherited that SIGINT is ignored.
        command = ["env", "--default-signal=INT", sys.executable, "-m", "syncd", "jobs", "import", "fifo"]
        env = CLEAN | dict(here.environ)
        with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as waiting:
            # Opening the other end succeeds as soon as the command reads.
            with (tmp_path / "fifo").open("wb"):
                waiting.send_signal(signal.SIGINT)
                _, err = waiting.communicate(timeout=240)
            assert (waiting.returncode, err.strip()) == (130, "syncd: interrupted")
        here.sandbox.inject(Fault("profiles", "hang", times=MANY))
        with here.start("sync") as syncing:
            eventually(lambda: here.sandbox.ledger.requests, "a request")
            syncing.process.send_signal(signal.SIGINT)
            assert syncing.process.wait(240) == 130


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["statsu"], "Did you mean 'status'?"),
        (["jobs", "lst"], "Did you mean 'list'?"),
        (["apply_link"], "Did you mean 'apply-link'?"),
        (["sync", "--cleint", "acme"], "Did you mean '--client'?"),
        (["sync", "--client", "acne"], "Did you mean 'acme'?"),
        (["quarantine", "list", "--client", "acne"], "Did you mean 'acme'?"),
        (["sync", "--config", "f"], "Put it before the command: syncd --config FILE sync"),
        (["jobs", "list", "--config=f"], "Put it before the command: syncd --config FILE jobs list"),
        (["status", "--version"], "Put it before the command: syncd --version"),
        (["--json", "status"], "Put it after the command: syncd COMMAND --json"),
        (["jobs", "--client", "acme", "list"], "Put it after the command: syncd jobs COMMAND --client"),
    ],
)
def test_a_mistyped_or_misplaced_word_is_answered_with_the_right_one(
    arguments: list[str], told: str, database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here:
        result = here.run(*arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert told in result.stderr


def test_a_client_that_is_not_configured_is_refused_by_every_command(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, NONE) as here:
        for command in (
            ["sync"], ["status"], ["verify"], ["templates"], ["templates", "--no-sync"], ["chat", "P"],
            ["jobs", "list"], ["jobs", "import", "x"], ["apply-link", "--job", "1"],
            ["quarantine", "list"], ["quarantine", "list", "--all", "--json"], ["quarantine", "retry"],
            ["report", "month", "2026-10"],
        ):  # fmt: skip
            result = here.run(*command, "--client", "TYPO")
            assert (result.returncode, result.stdout) == (2, ""), command
            assert "no client 'TYPO' in the configuration; configured clients: acme" in result.stderr


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_a_terminal_without_colours_gets_none(variable: str, database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        here.sandbox.put_raw_profile(b'{"profileId": "one", "steps": 7}')
        environ = {"NO_COLOR": "1"} if variable == "NO_COLOR" else {"TERM": "dumb"}
        _, written = on_a_terminal(here, "sync", **environ)
        assert "profile_quarantined" in written
        assert "\x1b[3" not in written
        if variable == "TERM":
            assert "\x1b" not in written


def test_under_systemd_each_line_has_its_priority_and_elsewhere_none(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=1)) as here:
        here.sandbox.put_raw_profile(b'{"profileId": "one", "steps": 7}')
        with (tmp_path / "journal").open("w+b") as journal:
            found = os.fstat(journal.fileno())
            for stream, marks in (
                (f"{found.st_dev}:{found.st_ino}", ["<4>", "<3>"]),
                (f"{found.st_dev}:{found.st_ino + 1}", ["{", "s"]),
                ("nonsense", ["{", "s"]),
            ):
                journal.truncate(0)
                journal.seek(0)
                env = CLEAN | dict(here.environ) | {"JOURNAL_STREAM": stream}
                for command in (["sync"], ["verify", "--client", "typo"]):
                    start(command, env=env, cwd=tmp_path, stderr=journal).wait(240)
                start(["chat", "nobody"], env=env, cwd=tmp_path, stderr=journal).wait(240)
                journal.seek(0)
                lines = journal.read().decode().splitlines()
                assert [lines[0][: len(marks[0])], lines[-1][: len(marks[1])]] == marks
                assert json.loads(lines[0].removeprefix("<4>"))["event"] == "profile_quarantined"
                here.execute("DELETE FROM ops.quarantine")
