"""syncd's command line under the tracer, without the start of Python each time: the tests' fork server forks.

Two thirds of a short sync are imports, and the tracer stops at each file that they open. What is traced here begins
after them, in a process of its own with an environment of its own.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.proof.tracer import Tracer
from tests.starter import CLEAN, ROOT, start


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
    with ExitStack() as stack:
        (to_read, to_tell), (to_listen, to_write) = pipe(stack), pipe(stack)
        tracer = start(
            [json.dumps(job)], env=CLEAN, cwd=ROOT, stdin=to_read, stdout=to_write, module=__name__
        )
        stack.callback(tracer.wait)
        stack.callback(tracer.kill)
        to_read.close()
        to_write.close()
        found = json.loads(to_listen.readline())
        if not found:  # it stands still, and is killed when we answer
            before_kill()
            to_tell.write(b"\n")
            found = json.loads(to_listen.readline())
    return found["calls"], found["exit"]


def pipe(stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """Both ends of a new pipe, without buffers."""
    reader, writer = os.pipe()
    return stack.enter_context(os.fdopen(reader, "rb")), stack.enter_context(os.fdopen(writer, "wb", 0))


def _trace(job: dict[str, Any]) -> None:
    tracer = Tracer(lambda: _syncd(job), job["root"], **job["kill"], before_kill=_say_that_it_stands_still)
    code = tracer.run()
    print(json.dumps({"calls": tracer.calls, "exit": code}), flush=True)


def _say_that_it_stands_still() -> None:
    print("{}", flush=True)
    sys.stdin.readline()


def _syncd(job: dict[str, Any]) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.environ.clear()
    os.environ.update(job["environ"])
    sys.argv[1:] = job["arguments"]
    code = 1
    try:
        runpy.run_module("syncd", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    _trace(json.loads(sys.argv[1]))
