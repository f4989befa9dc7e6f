"""Steps on disk that are durable when they return, and one message for all errors of the disk."""

import errno
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from syncd.errors import MediaStoreFailed, PathRefused, TooManyOpenFiles
from syncd.media.beneath import Root

# The disk takes no file at all: it is full, read-only, failing or gone.
_OF_THE_DISK = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM),
        *(errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN),
    }
)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, in as many calls as the system needs."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def place(root: Root, temporary: str, storage_path: str) -> None:
    """Rename a file to its final name beneath the root, and create its folder if needed.

    The temporary file is named by its path: a successor shuts this process out by renaming that file's folder.
    """
    folder, _, name = storage_path.rpartition("/")
    with root.folder(folder, make=True) as descriptor:
        os.rename(temporary, name, dst_dir_fd=descriptor)
        os.fsync(descriptor)


def remove_folder(folder: Path) -> None:
    """Remove a folder of files, even if another process still writes into it. Does not follow a link in its place.

    Earlier versions stored a file in place of the folder; it is removed as well.
    """
    if folder.is_symlink() or not folder.is_dir():
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


def make_root(root: Root) -> None:
    """Create the media root and the folders above it, as far as they are missing, and make their names durable.

    An existing root may lie in a folder that we can enter but not read, and so cannot fsync. Somebody else has made such
    a root, and its name has been durable for long.
    """
    path, above = root.path, replace(root, path=root.path.parent)
    if path.is_dir():
        with suppress(PermissionError):
            fsync_folder(above)
        return
    if not above.path.is_dir():
        make_root(above)
    with above.folder(path.name, make=True):
        fsync_folder(above)


def remove_if_empty(root: Root, folder: str) -> None:
    """Remove a profile's folder beneath the root unless it holds other files. The result is durable."""
    above, _, name = folder.rpartition("/")
    with suppress(FileNotFoundError), root.folder(above) as descriptor:
        if above:
            _remove_or_fsync(root, folder, name, descriptor)
        os.fsync(descriptor)


def _remove_or_fsync(root: Root, folder: str, name: str, above: int) -> None:
    try:
        os.rmdir(name, dir_fd=above)
    except FileNotFoundError:
        pass
    except OSError:
        # It holds other files.
        fsync_folder(root, folder)


def fsync_folder(root: Root, path: str = "") -> None:
    """Fsync the folder at a path relative to the root, so that the names in it are durable."""
    with root.folder(path) as descriptor:
        os.fsync(descriptor)


class _DiskErrors:
    """A context manager that turns an `OSError` into a `MediaStoreFailed`, which says what to do.

    It is a `PathRefused` if the error may concern one path only.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise TooManyOpenFiles(
                f"a file could not be opened ({error.strerror}). Raise LimitNOFILE of the service, or lower "
                "media.concurrency."
            ) from None
        message = f"the media root cannot be written ({error.strerror}). Free space, or check the mount and its owner."
        if error.errno in _OF_THE_DISK:
            raise MediaStoreFailed(message) from None
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise PathRefused(message, code=f"disk_{name.lower()}") from None


disk_errors = _DiskErrors()
