"""Reads and writes the mark of a client's files: `.syncd-store/CLIENT` in the media root, a small JSON object.

The database has the same mark. `syncd.sync.pair` compares the two. The marks of other clients are files of their own, so
processes that work for different clients never write the same file.
"""

import json
import os
import re
from dataclasses import asdict

from syncd.media.beneath import Root
from syncd.media.disk import place, write_all
from syncd.model import Mark

MARKS = ".syncd-store"
_LONGEST = 4096  # bytes
_NAME = re.compile(r"[0-9a-z-]{1,64}")
# Postgres takes it as a bigint.
_MOST = 2**62
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def read_mark(root: Root, client_id: str) -> Mark | None:
    """Return the client's mark; None if there is none, or the file is not a mark of syncd."""
    try:
        with root.file(f"{MARKS}/{client_id}") as file:
            found = json.loads(file.read(_LONGEST))
        mark = Mark(**found)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    names = (mark.store, mark.token)
    sound = all(isinstance(each, str) and _NAME.fullmatch(each) for each in names)
    return mark if sound and type(mark.generation) is int and 0 < mark.generation < _MOST else None


def write_mark(root: Root, client_id: str, mark: Mark, temporary: str) -> None:
    """Replace the client's mark, durably. A reader sees the old or the new one.

    Args:
        temporary: the path of a new file on the same file system, which gets the mark's name.
    """
    descriptor = os.open(temporary, _NEW_FILE, 0o600)
    try:
        root.give(descriptor)
        write_all(descriptor, json.dumps(asdict(mark)).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    place(root, temporary, f"{MARKS}/{client_id}")
