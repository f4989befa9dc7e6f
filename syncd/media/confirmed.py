"""Lists on the media root which applications were about to be confirmed, so that an older database can name what it lacks.

`.syncd-store/CLIENT.2026-12` has a line `["PROFILE_ID", REVISION]` for each confirm of December. The files of `KEPT`
months are kept. A backup is seldom older.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from io import BufferedReader

from syncd.media.beneath import Root
from syncd.media.disk import disk_errors, write_all
from syncd.media.mark import MARKS

KEPT = 3  # months, the present one included
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def note_confirmed(root: Root, client_id: str, now: datetime, revisions: Iterable[tuple[str, int]]) -> None:
    """Append applications and their revisions to the client's list. They are durable when this returns.

    Raises:
        MediaStoreFailed: the disk refuses.
    """
    lines = "".join(f"{json.dumps(revision)}\n" for revision in revisions)
    with disk_errors, root.folder(MARKS) as folder:
        descriptor = _open(root, folder, client_id, f"{client_id}.{now:%Y-%m}")
        try:
            # A power failure may have cut off the last line.
            write_all(descriptor, b"\n" + lines.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def confirmed(root: Root, client_id: str) -> Iterator[tuple[str, int]]:
    """Yield the `profileId` and the revision of each line in the client's lists, oldest first. Skip damaged lines.

    Raises:
        MediaStoreFailed: the disk refuses.
    """
    with disk_errors, suppress(FileNotFoundError), root.folder(MARKS) as folder:
        for name in _lists(folder, client_id):
            with BufferedReader(root.file(f"{MARKS}/{name}")) as file:
                for line in file:
                    if found := _read(line):
                        yield found


def _read(line: bytes) -> tuple[str, int] | None:
    with suppress(ValueError, TypeError, AttributeError):
        profile_id, revision = json.loads(line)
        # Postgres refuses any other id and revision, so no application has them.
        if b"\0" not in profile_id.encode() and 0 < revision < 2**31:
            return profile_id, revision
    return None


def _open(root: Root, folder: int, client_id: str, name: str) -> int:
    with suppress(FileNotFoundError):
        return os.open(name, _APPEND, dir_fd=folder)
    descriptor = os.open(name, _APPEND | os.O_CREAT, 0o600, dir_fd=folder)
    root.give(descriptor)
    for old in _lists(folder, client_id)[:-KEPT]:
        # A clock that ran ahead has left lists of later months.
        if old != name:
            os.unlink(old, dir_fd=folder)
    os.fsync(folder)
    return descriptor


def _lists(folder: int, client_id: str) -> list[str]:
    """Return the names of the client's lists, oldest first."""
    return sorted(name for name in os.listdir(folder) if name.startswith(f"{client_id}."))
