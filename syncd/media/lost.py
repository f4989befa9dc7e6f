"""Keeps files that belong to no row, or differ from their row, below `.lost` in the media root.

The database may be an older one, or a copy of another one, and the file the last copy of an applicant's document. So
syncd gives such a file a name here, and removes nothing from here.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from io import FileIO
from itertools import accumulate, count

from syncd.media.beneath import Root
from syncd.media.disk import fsync_folder

LOST = ".lost"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def keep(root: Root, storage_path: str) -> str | None:
    """Give a file a second name below `.lost` that a power failure cannot undo.

    Overwrites nothing. A file that has a name there already keeps it.

    Returns:
        The new name, relative to the root; None if the file is missing.
    """
    folder, _, name = storage_path.rpartition("/")
    try:
        with root.folder(folder) as source:
            there = os.stat(name, dir_fd=source, follow_symlinks=False)
            return next(
                new for new in _names(storage_path) if _has_name(root, storage_path, there, source, new)
            )
    except FileNotFoundError:
        return None


def count_lost(root: Root, client_id: str) -> int:
    """Count the client's files below `.lost`."""
    return sum(len(names) for _, _, names in os.walk(root.path / LOST / client_id))


def _names(storage_path: str) -> Iterator[str]:
    """Give the names to try: `.lost/client/profile/media`, then `.lost/client/again-2/profile/media` and so on."""
    client_id, _, rest = storage_path.partition("/")
    yield f"{LOST}/{client_id}/{rest}"
    for number in count(2):
        yield f"{LOST}/{client_id}/again-{number}/{rest}"


def _has_name(root: Root, storage_path: str, there: os.stat_result, source: int, new: str) -> bool:
    """Give the file this name, durably. Return False if another file has it."""
    folder, _, last = new.rpartition("/")
    folders = list(accumulate(folder.split("/"), lambda above, name: f"{above}/{name}"))
    # Without these two, no other name would do either.
    for each in folders[:2]:
        with root.folder(each, make=True):
            pass
    try:
        for each in folders[2:]:
            with root.folder(each, make=True):
                pass
        with root.folder(folder) as target:
            if not (_link(root, storage_path, source, last, target) or _is(there, last, target)):
                return False
    except NotADirectoryError:
        return False
    for each in [*reversed(folders), ""]:
        fsync_folder(root, each)
    return True


def _is(there: os.stat_result, name: str, folder: int) -> bool:
    return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), there)


def _link(root: Root, storage_path: str, source: int, last: str, target: int) -> bool:
    """Give the file a second name, or a copy where the file system has no hard links. Return False if the name is taken."""
    name = storage_path.rpartition("/")[2]
    try:
        try:
            os.link(name, last, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _copy(root, storage_path, last, target)
    except FileExistsError:
        return False
    return True


def _copy(root: Root, storage_path: str, last: str, target: int) -> None:
    with (
        root.file(storage_path) as original,
        FileIO(os.open(last, _NEW_FILE, 0o600, dir_fd=target), "w") as copy,
    ):
        root.give(copy.fileno())
        shutil.copyfileobj(original, copy)
        os.fsync(copy.fileno())
