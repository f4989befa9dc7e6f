"""Steps on disk that are durable when they return, and one message for all errors of the disk."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from syncd.errors import MediaStoreFailed, TooManyOpenFiles


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
    """A context manager that turns an `OSError` into a `MediaStoreFailed`, which says what to do."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            raise TooManyOpenFiles(
                f"a file could not be opened ({error.strerror}). Raise LimitNOFILE of the service, or lower "
                "media.concurrency."
            ) from None
        if isinstance(error, OSError):
            raise MediaStoreFailed(
                f"the media root cannot be written ({error.strerror}). Free space, or check the mount and its owner."
            ) from None


disk_errors = _DiskErrors()
