"""syncd's command line under the tracer, without the start of Python each time: a process that has loaded syncd forks.

Two thirds of a short sync are imports, and the tracer stops at each file that they open. What is traced here begins
after them, in a process of its own with an environment of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import syncd.cli
from tests.proof.tracer import Tracer

ROOT = Path(__file__).resolve().parents[2]
_WITHOUT = ("syncd.sandbox", "syncd.demo", "syncd.publishing", "syncd.__main__")


def traced(
    *arguments: str,
    environ: Mapping[str, str],
    root: Path,
    kill_at: tuple[str, int] | None = None,
    kill_after: int | None = None,
    before_kill: Callable[[], None] = lambda: None,
) -> tuple[list[str], int]:
    """Run `syncd` with these arguments under the tracer. Returns its calls and how it ended, as `Tracer` has them."""
    kill = {"kill_at": kill_at, "kill_after": kill_after}
    job = {"arguments": arguments, "environ": dict(environ), "root": str(root), "kill": kill}
    found = _exchange(job)
    if not found:  # it stands still, and is killed when we answer
        before_kill()
        found = _exchange({})
    return found["calls"], found["exit"]


def _exchange(told: Mapping[str, Any]) -> dict[str, Any]:
    starter = _starter()
    assert starter.stdin
    assert starter.stdout
    starter.stdin.write(json.dumps(told) + "\n")
    starter.stdin.flush()
    answer: dict[str, Any] = json.loads(starter.stdout.readline())
    return answer


def started() -> bool:
    """Whether this process has its starter already, which sees no mounts that are made for this process alone later."""
    return _starter.cache_info().currsize > 0


@cache
def _starter() -> subprocess.Popen[str]:
    """This process's own starter; it ends when its input does."""
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _serve() -> None:
    for module in pkgutil.walk_packages(syncd.__path__, "syncd."):
        if not module.name.startswith(_WITHOUT):
            importlib.import_module(module.name)
    importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
    for line in sys.stdin:
        job = json.loads(line)
        tracer = Tracer(
            lambda job=job: _sync(job),  # type: ignore[misc]  # the default
            job["root"],
            **job["kill"],
            before_kill=_say_that_it_stands_still,
        )
        code = tracer.run()
        print(json.dumps({"calls": tracer.calls, "exit": code}), flush=True)


def _say_that_it_stands_still() -> None:
    print("{}", flush=True)
    sys.stdin.readline()


def _sync(job: dict[str, Any]) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.environ.clear()
    os.environ.update(job["environ"])
    sys.argv = ["syncd", *job["arguments"]]
    code = 1
    try:
        syncd.cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
