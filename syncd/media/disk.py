"""Steps on disk that are durable when they return, and one sentence for whatever the disk refuses."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from syncd.errors import MediaStoreFailed


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, in as many pieces as the system likes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def place(temporary: str, final: str) -> None:
    """Give a file its name for good, in a folder that is made for it if need be. Texts, since paths cost more than it."""
    folder = final.rpartition("/")[0]
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)  # noqa: PTH102
    os.rename(temporary, final)  # noqa: PTH104
    fsync_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder of files into which others may be writing; or a file, which earlier versions wrote in its place."""
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
    while folder.is_dir():
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError as error:  # another file may have come meanwhile
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise


def fsync_folder(path: Path | str) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _DiskErrors:
    """A `with` that tells what to do about an error of the disk."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise MediaStoreFailed(
                f"the media root cannot be written ({error.strerror}): free space, or check the mount and its owner"
            ) from None


disk_errors = _DiskErrors()
