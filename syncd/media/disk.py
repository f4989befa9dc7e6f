"""Steps on disk that are durable when they return, and one message for all errors of the disk."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from syncd.errors import MediaStoreFailed, PathRefused

# The disk takes no file at all: it is full, read-only, failing or gone, or the process has no more descriptors.
_OF_THE_DISK = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
        *(errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN),
    }
)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, in as many calls as the system needs."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def place(temporary: str, final: str) -> None:
    """Rename a file to its final name, and create its folder if needed.

    The arguments are strings, because creating `Path` objects costs more than the rename.
    """
    folder = final.rpartition("/")[0]
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)  # noqa: PTH102
    os.rename(temporary, final)  # noqa: PTH104
    fsync_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder of files, even if another process still writes into it.

    Earlier versions stored a file in place of the folder; it is removed as well.
    """
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
    while folder.is_dir():
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        try:
            folder.rmdir()
        # Another process may have written a file meanwhile.
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise


def fsync_folder(path: Path | str) -> None:
    """Fsync a folder, so that the names in it are durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _DiskErrors:
    """A context manager that turns an `OSError` into a `MediaStoreFailed`, which says what to do.

    It is a `PathRefused` if the error may concern one path only.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        message = f"the media root cannot be written ({error.strerror}). Free space, or check the mount and its owner."
        if error.errno in _OF_THE_DISK:
            raise MediaStoreFailed(message) from None
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise PathRefused(message, code=f"disk_{name.lower()}") from None


disk_errors = _DiskErrors()
