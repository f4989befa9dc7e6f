"""Types what the pages tell their readers to type: each page in one shell, in which nothing is set but what it sets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from textwrap import dedent

from syncd.embedded.machine import free_port
from tests.starter import for_a_shell

ROOT = Path(__file__).resolve().parents[1]
# All blocks that no session types, by page and first line, and why. `test_pages.py` compares this with the pages.
NOT_TYPED = {
    ("README.md", "make demo"): "schema.md types `make demo`, and `make test` runs this test",
    (
        "README.md",
        "export SYNCD_DATABASE__URL=postgresql://syncd_writer@db.example/ats",
    ): "needs a real PitchYou",
    ("CONTRIBUTING.md", ".venv/bin/pip install mutmut==3.8.1"): "downloads packages and runs for minutes",
    (
        "CONTRIBUTING.md",
        "FUZZ_EXAMPLES=100000 .venv/bin/python -m pytest -q --timeout 0 tests/unit/test_spool.py tests/unit/test_payload_safety.py",
    ): "runs for minutes",
    ("reliability.md", "make proof"): "runs for hours",
    ("performance.md", "make bench"): "runs for up to an hour, on an idle machine",
    ("reports.md", "import pandas, sqlalchemy"): "needs pandas and another host",
    ("operating.md", "psql -h db.example -U postgres ats"): "asks for passwords; needs another host",
    (
        "operating.md",
        "install -m 0600 /dev/stdin /etc/syncd/acme_secret.new",
    ): "asks for a secret; system/test_reload.py rotates one",
    ("operating.md", "psql -h db.example -U postgres -d ats"): (
        "asks for a password; needs another host; system/test_reload.py rotates one"
    ),
    (
        "sandbox.md",
        "from syncd.sandbox import Fault, Sandbox, SandboxConfig",
    ): "has dots for a client of the reader's; test_sandbox_document.py puts one there",
}
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def all_blocks(page: Path) -> list[tuple[str, str]]:
    """Each block of a page: its language, and what is in it."""
    return [(language, dedent(content)) for _, language, content in _BLOCK.findall(page.read_text())]


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page below docs/ that are in this language."""
    return [content for each, content in all_blocks(ROOT / "docs" / page) if each == language]


def checkout(folder: Path) -> Path:
    """A checkout in which `make demo` has installed syncd; its files are links to ours, so that it costs nothing."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (".venv", ".git", "dist", "build", "trial"):
            (folder / path.name).symlink_to(path)
    (folder / ".venv").mkdir()
    for path in (ROOT / ".venv").iterdir():
        (folder / ".venv" / path.name).symlink_to(path)
    (folder / ".venv" / "demo-ready").touch()
    return folder


# What a reader sees to, and a script must do for itself. `env` starts the real command, where `syncd` is a function.
_PRELUDE = """set -eu
# The reader waits until the sandbox says that it listens.
in_background() {
  env "$@" > sandbox.log 2>&1 &
  until grep -q "PitchYou sandbox" sandbox.log || ! kill -0 $! 2> /dev/null; do sleep 0.05; done
}
# The reader watches the daemon for one cycle, and presses Ctrl-C.
for_one_cycle() {
  env "$@" > daemon.log 2>&1 &
  until grep -q cycle_finished daemon.log || ! kill -0 $! 2> /dev/null; do sleep 0.1; done
  kill $! || true
  wait $! || { cat daemon.log; exit 1; }
  cat daemon.log
}
trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT
"""


def session(page: Path, python: str = "", port: int | None = None) -> str:
    """The script that types a page from top to bottom: its commands, its SQL in psql, its Python into a file.

    Args:
        python: the file into which the page has its reader save the Python.
        port: of the sandbox, which is a free one instead of the page's by default, since other tests run beside.
    """
    port = port or free_port()
    script = _PRELUDE
    for language, block in all_blocks(page):
        if (page.name, first_line(block)) in NOT_TYPED or language not in ("sh", "sql", "python"):
            continue
        block = re.sub(r"(127\.0\.0\.1|localhost):8765", rf"\1:{port}", block)
        if language == "sh":
            block = re.sub(r"^syncd run(?= )", "for_one_cycle syncd run", block, flags=re.MULTILINE)
            sandbox = rf"in_background syncd sandbox --port {port}\1"
            script += re.sub(r"^syncd sandbox( .*?)?&", sandbox, block, flags=re.MULTILINE)
        elif language == "sql":
            script += f"psql \"$SYNCD_DATABASE__URL\" -v ON_ERROR_STOP=1 <<'END_OF_SQL'\n{block}END_OF_SQL\n"
        else:
            script += f"cat >> {python} <<'END_OF_PYTHON'\n{block}END_OF_PYTHON\n"
    return script


def first_line(block: str) -> str:
    return block.partition("\n")[0].partition("  #")[0].strip()


def type_it(script: str, folder: Path, *, forks: bool = False) -> str:
    """Run a session in `folder` as a newcomer's: with an empty home, a short PATH, and nothing else set.

    Args:
        forks: whether one process loads syncd for all its commands in the foreground (`for_a_shell`), which pays for pages
            with many of them.
    """
    home = folder.with_name("home")
    home.mkdir()
    output = folder.with_name("output")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    with ExitStack() as stack:
        syncd, requests = stack.enter_context(for_a_shell(env)) if forks else ("", [])
        out = stack.enter_context(output.open("wb"))
        shell = subprocess.Popen(
            ["bash", "-c", syncd + script],
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            pass_fds=requests,
        )
        try:
            code = shell.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            stop_postgres(folder / "trial")
    assert code == 0, output.read_text()
    return output.read_text()


def stop_postgres(folder: Path) -> None:
    """Stop the server that a page has started in this folder, and wait for its end."""
    pid = folder / "cluster" / "postmaster.pid"
    if pid.exists():
        os.kill(int(pid.read_text().split()[0]), signal.SIGINT)
    while pid.exists():
        time.sleep(0.05)
