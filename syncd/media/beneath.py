"""Opens folders and files beneath the media root name by name, so that no symbolic link leads out of it.

Another user who could write to the media root at some time may have left a link, a pipe or a folder in it. syncd follows
and reads none of them: the bytes of an applicant would land elsewhere, and a file elsewhere could be removed.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from syncd.trust import weakness, weakness_of

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe waits for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Root:
    """The media root, which may itself be a link.

    Attributes:
        path: where the root is.
        strict: refuse the root, and folders in it, if another user could change them.
        owner: if root runs syncd for another user, that user and group, to whom everything in the root belongs.
    """

    path: Path
    strict: bool = True
    owner: tuple[int, int] | None = None

    def weakness(self) -> str | None:
        """Return who else could change the root or a folder above it, and the remedy; None if nobody can."""
        uid = self.owner[0] if self.owner else None
        problem = weakness(self.path, trusted=uid)
        if problem is None and self.path.exists():
            problem = weakness_of(self.path, self.path.stat(), trusted=uid)
        return problem if self.strict else None

    @contextmanager
    def folder(self, path: str = "", *, make: bool = False) -> Iterator[int]:
        """Open the folder at a path relative to the root, and give its descriptor. With `make`, create it if missing.

        Raises:
            OSError: as `os.open`; ELOOP for a symbolic link, EPERM for a folder that another user could change.
        """
        descriptor = os.open(self.path, _FOLDER)
        try:
            at, names = str(self.path), path.split("/") if path else []
            for place, name in enumerate(names, 1):
                at = f"{at}/{name}"
                inner = self._inner(descriptor, name, at, make=make and place == len(names))
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def file(self, path: str) -> FileIO:
        """Open the regular file at a path relative to the root for reading.

        Raises:
            OSError: as `os.open`; ELOOP for a symbolic link on the way or in place of the file, EINVAL for anything that
                is neither a file nor a link, such as a pipe.
        """
        folder, _, name = path.rpartition("/")
        with self.folder(folder) as above:
            file = FileIO(os.open(name, _FILE, dir_fd=above))
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
        raise OSError(errno.EINVAL, f"{self.path}/{path} is not a regular file")

    def give(self, descriptor: int) -> None:
        """Give a new file or folder to the owner of the root."""
        if self.owner:
            os.fchown(descriptor, *self.owner)

    def _inner(self, above: int, name: str, at: str, *, make: bool) -> int:
        made = make and _made(name, above)
        try:
            descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
        except NotADirectoryError:
            # The kernel says so of links as well.
            if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                raise OSError(
                    errno.ELOOP,
                    f"{at} is a symbolic link, which syncd does not follow. Put a folder in its place",
                ) from None
            raise
        try:
            if made:
                self.give(descriptor)
            self._require_trusted(descriptor, at)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _require_trusted(self, descriptor: int, at: str) -> None:
        trusted = self.owner[0] if self.owner else None
        if self.strict and (problem := weakness_of(at, os.fstat(descriptor), trusted=trusted)):
            raise OSError(errno.EPERM, problem)


def owner_to_work_for(path: Path) -> tuple[int, int] | None:
    """Return user and group of the media root, or of the folder that it will be created in, if root works for them."""
    if os.geteuid() != 0:
        return None
    with suppress(OSError):
        there = next(folder for folder in (path, *path.parents) if folder.exists()).stat()
        return (there.st_uid, there.st_gid) if there.st_uid else None
    return None


def _made(name: str, above: int) -> bool:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=above)
        return True
    return False
