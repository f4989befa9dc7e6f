"""Ends the server when the process that started it has ended in any way, even by SIGKILL."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from syncd.embedded.machine import environment

# Only the watched process holds the other end of standard input, so the pipe closes when that process ends.
_SCRIPT = 'folder=$1; shift; read -r _; "$@" >/dev/null 2>&1; [ -z "$folder" ] || rm -rf -- "$folder"'


class Watchdog:
    """A shell process in its own session. Once this process has ended, it runs `stop` and removes the folder `remove`."""

    def __init__(self, stop: Sequence[str | Path], *, remove: Path | None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a constant script; what varies are its arguments
            ["/bin/sh", "-c", _SCRIPT, "sh", remove or "", *stop],
            env=environment(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C must end the program, but not this process, which cleans up.
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Ends the watchdog: nothing happens any more when this process ends. May be called twice."""
        self._process.kill()
        self._process.communicate()
