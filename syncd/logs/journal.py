"""Priorities of log lines for systemd's journal, as sd-daemon(3) defines them."""

import os
from typing import TextIO

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def leads_to_journal(stream: TextIO | None) -> bool:
    """Whether this stream is the one that systemd connected to the journal: its device and inode are in JOURNAL_STREAM."""
    try:
        device, inode = map(int, os.environ["JOURNAL_STREAM"].split(":"))
        found = os.fstat(stream.fileno() if stream is not None else -1)
    # A stream without a descriptor raises io.UnsupportedOperation, which is an OSError, or AttributeError.
    except (KeyError, ValueError, OSError, AttributeError):
        return False
    return (found.st_dev, found.st_ino) == (device, inode)


def prefix(level: str, stream: TextIO | None) -> str:
    """Return what the journal takes for the priority of a line, or nothing if the stream does not lead there."""
    return f"<{_PRIORITIES[level]}>" if leads_to_journal(stream) else ""
