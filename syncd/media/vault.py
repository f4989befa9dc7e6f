"""Stores files on disk: temporary file, checks of size and digest, fsync, rename, fsync of the folder.

The client's folder is fsynced once for many files.
"""

import hashlib
import os
import random
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from syncd.errors import MediaStoreFailed, PathRefused
from syncd.media.beneath import Root, owner_to_work_for
from syncd.media.disk import disk_errors, fsync_folder, make_root, remove_folder, remove_if_empty
from syncd.media.folding import require_distinct_names
from syncd.media.incoming import SNIFFED_BYTES, IncomingFile
from syncd.media.lost import count_lost, keep
from syncd.media.mark import MARKS, read_mark, write_mark
from syncd.media.paths import path_of
from syncd.media.sniff import sniff
from syncd.model import Mark, MediaKey, StoredFile

# The folder lies directly below the root, so that leftovers are found without searching the folders of all clients.
TEMPORARY = ".tmp"
# The suffix of an earlier holder's folder until it is removed.
_LEFT = "left"


class Vault:
    """The media root. Safe to share between threads and processes: a reader never sees a partial file.

    Args:
        root: an existing or new folder. Folders in it get mode 0700, files 0600.
        max_bytes: the largest file to accept.
        strict: refuse a root, and folders in it, that another user could change.

    If root runs syncd, everything belongs to the owner of the root, as if that user had made it.
    """

    def __init__(self, root: Path, *, max_bytes: int, strict: bool = True) -> None:
        self.root, self.max_bytes = root, max_bytes
        self.beneath = Root(root, strict, owner_to_work_for(root))
        # Clients whose folder this process has made durable.
        self._prepared: set[str] = set()

    def has_folder(self, client_id: str) -> bool:
        """Whether the client's folder exists. If files were stored in it but it is missing, the disk is not mounted."""
        return self._is_folder(client_id)

    def prepare(self, client_id: str) -> None:
        """Create the client's folder if it is missing.

        Raises:
            MediaStoreFailed: another user could change the root or a folder in it, the disk does not tell names apart,
                or it refuses.
        """
        self.require_ours()
        with disk_errors:
            folders = (TEMPORARY, MARKS, client_id)
            if client_id in self._prepared and all(map(self._is_folder, folders)):
                return
            make_root(self.beneath)
            for folder in folders:
                with self.beneath.folder(folder, make=True):
                    pass
            fsync_folder(self.beneath)
            require_distinct_names(self.root / TEMPORARY, f"Folding.{client_id}")
        self._prepared.add(client_id)

    def require_ours(self) -> None:
        """Raise `MediaStoreFailed` if another user could change the root or a folder above it."""
        with disk_errors:
            problem = self.beneath.weakness()
        if problem:
            raise MediaStoreFailed(f"media.root: {problem}")

    def take_over(self, client_id: str, fence: int) -> None:
        """Stop holders of leases before `fence` from storing files, and remove their partial files.

        Each holder writes into its own folder. Once that folder is gone, an earlier holder that still runs can neither
        begin another file nor give a partial file its name. Our own folder is created last, because the removed files
        may have filled the disk.
        """
        with disk_errors:
            for folder in (self.root / TEMPORARY).glob(f"{client_id}.*"):
                _, owner, *left = folder.name.split(".")
                if owner.isdigit() and int(owner) < fence:
                    # The new name shuts the owner out. The files in it may belong to another user; then they stay.
                    aside = folder if left else folder.rename(f"{folder}.{_LEFT}")
                    with suppress(PermissionError):
                        remove_folder(aside)
            with self.beneath.folder(self._half(client_id, fence), make=True):
                pass

    def is_ours(self, client_id: str, fence: int) -> bool:
        """Whether the disk is mounted, and the holder of the lease with this `fence` has no successor."""
        return self._is_folder(self._half(client_id, fence))

    def require_works(self, client_id: str, fence: int) -> None:
        """Raise `MediaStoreFailed` unless the disk takes a file of this client, as it should after one path was refused.

        Take the steps of a stored file. What is placed in the client's folder is an empty folder, so that a crash leaves
        no file without a row.
        """
        temporary = self.root / self._half(client_id, fence) / secrets.token_hex(8)
        with disk_errors:
            try:
                _write_probe(temporary)
            finally:
                temporary.unlink(missing_ok=True)
            temporary.mkdir(mode=0o700)
            placed = temporary
            try:
                placed = temporary.rename(self.root / client_id / f".{temporary.name}")
                fsync_folder(self.beneath, client_id)
            finally:
                placed.rmdir()

    def incoming(self, client_id: str, key: MediaKey, fence: int) -> IncomingFile:
        """Return the receiver of one file. Use it in a `with`.

        The file's folder may be new, so a power failure can lose the file until `settle` has returned.

        Args:
            fence: the writer's fencing number. A successor uses it to shut the writer out.
        """
        temporary = f"{self.root}/{self._half(client_id, fence)}/{random.getrandbits(64):016x}"
        return IncomingFile(self.beneath, path_of(client_id, key), temporary, max_bytes=self.max_bytes)

    def mark(self, client_id: str) -> Mark | None:
        """Return the mark of the client's files; None if there is none, or what is in its place is not a mark."""
        with disk_errors:
            return read_mark(self.beneath, client_id)

    def set_mark(self, client_id: str, mark: Mark, *, fence: int) -> None:
        """Replace the mark of the client's files. It is durable when this returns.

        Raises:
            MediaStoreFailed: the disk refuses, or another holder has taken over. The mark is the old or the new one.
        """
        temporary = f"{self.root}/{self._half(client_id, fence)}/{secrets.token_hex(8)}"
        with disk_errors:
            write_mark(self.beneath, client_id, mark, temporary)

    def settle_marks(self) -> None:
        """Make the names of the marks durable that an earlier process may have left half done."""
        with disk_errors:
            fsync_folder(self.beneath, MARKS)

    def settle(self, client_id: str) -> None:
        """Make the folders of stored files durable. When this returns, a power failure cannot lose these files.

        Raises:
            MediaStoreFailed: no file stored since the last `settle` can be trusted. Do not call `settle` again, since a
                second fsync would report success. Store the files again.
        """
        with disk_errors:
            fsync_folder(self.beneath, client_id)

    def remove(self, client_id: str, key: MediaKey, *, fence: int) -> None:
        """Remove a file, and its folder if that is empty afterwards. A missing file is not an error."""
        self.remove_file(client_id, path_of(client_id, key), fence=fence)

    def remove_file(self, client_id: str, storage_path: str, *, fence: int) -> None:
        """Remove the file at a path relative to the root, and its folder if that is empty afterwards.

        The file is first moved into the folder of the lease with this `fence`. A successor removes that folder when it
        takes over. So a process that was frozen cannot remove a file that its successor has stored.

        Raises:
            MediaStoreFailed: the disk refuses to remove the file, or another holder has taken over.
        """
        folder, _, name = storage_path.rpartition("/")
        aside = self.root / self._half(client_id, fence) / secrets.token_hex(8)
        with disk_errors:
            with suppress(FileNotFoundError), self.beneath.folder(folder) as descriptor:
                os.rename(name, aside, src_dir_fd=descriptor)
                aside.unlink()
            if not self.is_ours(client_id, fence):
                raise MediaStoreFailed(
                    "another syncd process has taken over this client's folder for partial files"
                )
            remove_if_empty(self.beneath, folder)

    def keep(self, storage_path: str) -> str | None:
        """Give a file a second name below `.lost`, so that nothing that replaces it destroys it.

        Returns:
            That name, relative to the root; None if the file is missing.
        """
        with disk_errors:
            return keep(self.beneath, storage_path)

    def set_aside(self, client_id: str, storage_path: str, *, fence: int) -> str | None:
        """Move a file to `.lost`, and return its new path; None if it is missing. See `remove_file` for `fence`.

        The file has its second name before it loses the first one, so no crash can lose it.
        """
        if name := self.keep(storage_path):
            self.remove_file(client_id, storage_path, fence=fence)
        return name

    def count_lost(self, client_id: str) -> int:
        """Count the files of the client that `set_aside` and `keep` have put below `.lost`."""
        return count_lost(self.beneath, client_id)

    def _half(self, client_id: str, fence: int) -> str:
        """Return the path of the folder for the partial files of this lease's holder."""
        return f"{TEMPORARY}/{client_id}.{fence}"

    def _is_folder(self, path: str) -> bool:
        # Even looking fails on a file system that has shut down.
        with disk_errors:
            try:
                with self.beneath.folder(path):
                    return True
            except FileNotFoundError:
                return False

    def has_file(self, storage_path: str) -> bool:
        """Whether the disk has something at this path. Reads no byte of it."""
        folder, _, name = storage_path.rpartition("/")
        try:
            with disk_errors, self.beneath.folder(folder) as descriptor:
                os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except PathRefused:
            return False
        return True

    def measure(self, storage_path: str) -> tuple[int, bytes] | None:
        """Return the size and SHA-256 of a stored file as it is on disk now, or None if it is missing.

        Raises:
            MediaStoreFailed: the file cannot be read, or it is a link, a pipe or anything else but a file.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self.beneath.file(storage_path) as file:
                while chunk := file.read(1024 * 1024):
                    digest.update(chunk)
                    size += len(chunk)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MediaStoreFailed(f"the media root cannot be read ({error.strerror})") from None
        return size, digest.digest()

    def adopt(self, storage_path: str) -> StoredFile | None:
        """Make an existing file as durable as a file from `incoming`, and return it; return None if it is missing.

        A file that has its final name is complete.

        Raises:
            MediaStoreFailed: the file cannot be read, or cannot be made durable.
        """
        if (measured := self.measure(storage_path)) is None:
            return None
        with disk_errors:
            with self.beneath.file(storage_path) as file:
                os.fsync(file.fileno())
                start = file.read(SNIFFED_BYTES)
            fsync_folder(self.beneath, storage_path.rpartition("/")[0])
        return StoredFile(storage_path, *measured, sniff(start))

    def files(self, client_id: str) -> Iterator[str]:
        """Yield the storage paths of everything below the client's folder that is not a folder, links to folders too."""
        if (self.root / client_id).is_symlink():
            return
        for folder, inner, names in os.walk(self.root / client_id):
            links = [name for name in inner if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114 - the name may not be UTF-8
            for name in names + links:
                yield (Path(folder) / name).relative_to(self.root).as_posix()


def _write_probe(path: Path) -> None:
    with path.open("xb") as file:
        file.write(b"syncd")
        os.fsync(file.fileno())
