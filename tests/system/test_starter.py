"""The fork server of the tests starts syncd as Python does: the same output, the same end, and nothing of the one before."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.starter import CLEAN, ROOT, Forked, run, start
from tests.system.processes import eventually

PROGRAM = """
import atexit, os, sys, threading, time
atexit.register(print, "at exit")
threading.Timer(0.1, print, ["from a thread"]).start()
print(sys.argv[1:], os.getcwd(), os.environ.get("OWN"), time.strftime("%Z", time.gmtime()), time.tzname[0])
print(sys.stdin.read(), file=sys.stderr)
print(len(os.listdir("/proc/self/fd")), sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, __name__)
"""
ENDS = {
    "nothing": "",
    "a number": "raise SystemExit(7)",
    "words": "raise SystemExit('a reason')",
    "an exception": "raise ValueError('from inside')",
    "its own SIGKILL": "import os; os.kill(os.getpid(), 9)",
    "an output that is full": "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); print('lost')",
}


def both(
    program: str, folder: Path, *arguments: str, **environ: str
) -> list[subprocess.CompletedProcess[str]]:
    """The same module, started by Python and by the fork server."""
    (folder / "tried.py").write_text(program)
    environ = CLEAN | {"OWN": "yes"} | environ
    command = [sys.executable, "-m", "tried", *arguments]
    plain = subprocess.run(
        command, cwd=folder, env=environ, input="given", capture_output=True, text=True, check=False
    )
    return [plain, run(arguments, cwd=folder, env=environ, input="given", module="tried")]


def test_a_child_has_what_a_new_process_would_have(tmp_path: Path) -> None:
    plain, forked = both(PROGRAM, tmp_path, "--an", "option", TZ="Asia/Tokyo")
    assert (forked.returncode, forked.stdout, forked.stderr) == (0, plain.stdout, plain.stderr)
    assert "['--an', 'option']" in forked.stdout
    assert forked.stdout.endswith("from a thread\nat exit\n")


@pytest.mark.parametrize("end", ENDS)
def test_a_child_ends_as_a_new_process_would(end: str, tmp_path: Path) -> None:
    plain, forked = both(ENDS[end], tmp_path)
    assert (forked.returncode, forked.stdout) == (plain.returncode, plain.stdout)
    assert (
        forked.stderr.split("\n")[-2:] == plain.stderr.split("\n")[-2:]
    )  # the frames above are the server's own


def test_what_python_reads_while_it_starts_gets_a_real_start(tmp_path: Path) -> None:
    (tmp_path / "tried.py").write_text("import sys; sys.exit(10 + sys.flags.dev_mode)")
    plain = start([], env=CLEAN, cwd=tmp_path, module="tried")
    asked = start([], env=CLEAN | {"PYTHONDEVMODE": "1"}, cwd=tmp_path, module="tried")
    assert (isinstance(plain, Forked), isinstance(asked, Forked)) == (True, False)
    assert (plain.wait(30), asked.wait(30)) == (10, 11)


def test_children_run_side_by_side_and_hear_signals(tmp_path: Path) -> None:
    (tmp_path / "tried.py").write_text("import time; time.sleep(60)")
    children = [start([], env=CLEAN, cwd=tmp_path, module="tried") for _ in range(3)]
    assert [child.poll() for child in children] == [None] * 3
    with pytest.raises(subprocess.TimeoutExpired):
        children[0].wait(0.05)
    for child, number in zip(children, (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1), strict=True):
        child.send_signal(number)
    assert [child.wait(10) for child in children] == [-15, -9, -10]
    children[0].kill()  # a second time, when nobody is there any more


def test_children_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "tried.py").write_text("import time; time.sleep(60)")
    program = (
        "import os; from pathlib import Path; from tests.starter import CLEAN, start;"
        f"print(start([], env=CLEAN, cwd=Path({str(tmp_path)!r}), module='tried').pid, flush=True); os._exit(0)"
    )
    started = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    child = Path("/proc") / started.stdout.strip()
    eventually(lambda: not child.exists() or "\nState:\tZ" in (child / "status").read_text(), "it is gone")
