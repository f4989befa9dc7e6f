"""Ends the server when the process that started it is gone, however it went: also by SIGKILL."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from syncd.embedded.machine import environment

# The pipe on standard input closes when its other end, held by nobody but the process to be watched, is gone.
_SCRIPT = 'folder=$1; shift; read -r _; "$@" >/dev/null 2>&1; [ -z "$folder" ] || rm -rf -- "$folder"'


class Watchdog:
    """A shell process of its own session that runs `stop`, then removes the folder `remove`, once this process is gone."""

    def __init__(self, stop: Sequence[str | Path], *, remove: Path | None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a constant script; what varies are its arguments
            ["/bin/sh", "-c", _SCRIPT, "sh", remove or "", *stop],
            env=environment(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C ends the program, not what cleans up after it
        )

    def dismiss(self) -> None:
        """From here on nothing happens when this process goes. May be called twice."""
        self._process.kill()
        self._process.communicate()
