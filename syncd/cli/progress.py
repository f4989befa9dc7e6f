"""One line on a terminal that tells how far the work is; nothing in a pipe."""

import shutil
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.sync.work import Work

_REDRAW = 0.1  # seconds


class ProgressLine:
    """Call it after each step; `clear` removes the line before anything else is printed."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._drawn_at = 0.0

    def __call__(self, work: "Work") -> None:
        """Show how far a cycle is."""
        tally = work.tally
        self.show(
            f"{work.client_id}: {tally.seen:,} of {work.listed:,} listed read, {tally.media_stored:,} files "
            f"({tally.media_bytes / 1e6:,.1f} MB), {tally.confirmed:,} confirmed"
        )

    def show(self, line: str) -> None:
        """Draw the line anew, at most ten times a second."""
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
