"""Shows progress as one line on a terminal. Prints nothing if stderr is not a terminal, or a dumb one."""

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.sync.work import Work

_REDRAW = 0.1  # seconds


class ProgressLine:
    """A progress line. Call it after each step; call `clear` before printing anything else."""

    def __init__(self) -> None:
        # A dumb terminal cannot redraw a line.
        self._shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn_at = 0.0

    def __call__(self, work: "Work") -> None:
        """Show the progress of a cycle."""
        tally = work.tally
        self.show(
            f"{work.client_id}: {tally.seen:,} of {work.listed:,} profiles read, {tally.media_stored:,} files stored "
            f"({tally.media_bytes / 1e6:,.1f} MB), {tally.confirmed:,} confirmed"
        )

    def show(self, line: str) -> None:
        """Redraw the line, at most ten times per second."""
        if not self._shown or time.monotonic() - self._drawn_at < _REDRAW:
            return
        self._drawn_at = time.monotonic()
        sys.stderr.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
