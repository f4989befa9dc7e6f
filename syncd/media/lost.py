"""Keeps files that belong to no row, or differ from their row, below `.lost` in the media root.

The database may be an older one, or a copy of another one, and the file the last copy of an applicant's document. So
syncd gives such a file a name here, and removes nothing from here.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from syncd.media.disk import fsync_folder

LOST = ".lost"
_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def keep(root: Path, storage_path: str) -> str | None:
    """Give a file a second name below `.lost` that a power failure cannot undo.

    Overwrites nothing. A file that has a name there already keeps it.

    Returns:
        The new name, relative to the root; None if the file is missing.
    """
    source = root / storage_path
    for name in _names(storage_path):
        target = root / name
        try:
            _make_folders(root, target.parent)
            _link(source, target)
        except (FileExistsError, NotADirectoryError):
            if target.exists() and source.exists() and target.samefile(source):
                return name
            continue
        except FileNotFoundError:
            if not source.is_symlink() and not source.exists():
                return None
            raise
        for folder in target.parents:
            fsync_folder(folder)
            if folder == root:
                break
        return name
    raise AssertionError("the names never end")


def count_lost(root: Path, client_id: str) -> int:
    """Count the client's files below `.lost`."""
    return sum(len(names) for _, _, names in os.walk(root / LOST / client_id))


def _names(storage_path: str) -> Iterator[str]:
    """Give the names to try: `.lost/client/profile/media`, then `.lost/client/again-2/profile/media` and so on."""
    client_id, _, rest = storage_path.partition("/")
    yield f"{LOST}/{client_id}/{rest}"
    for number in count(2):
        yield f"{LOST}/{client_id}/again-{number}/{rest}"


def _make_folders(root: Path, folder: Path) -> None:
    for each in reversed((folder, *folder.parents)):
        if each.is_relative_to(root) and each != root:
            each.mkdir(mode=0o700, exist_ok=True)


def _link(source: Path, target: Path) -> None:
    """Give the file a second name, or a copy where the file system has no hard links."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        with source.open("rb") as original, target.open("xb") as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
