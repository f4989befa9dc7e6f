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

from syncd.errors import MediaStoreFailed
from syncd.media.disk import disk_errors, fsync_folder, remove_folder
from syncd.media.folding import require_distinct_names
from syncd.media.incoming import SNIFFED_BYTES, IncomingFile
from syncd.media.lost import count_lost, keep
from syncd.media.paths import path_of
from syncd.media.sniff import sniff
from syncd.model import MediaKey, StoredFile

# The folder lies directly below the root, so that leftovers are found without searching the folders of all clients.
TEMPORARY = ".tmp"
# The suffix of an earlier holder's folder until it is removed.
_LEFT = "left"


class Vault:
    """The media root. Safe to share between threads and processes: a reader never sees a partial file.

    Args:
        root: an existing or new folder. Folders in it get mode 0700, files 0600.
        max_bytes: the largest file to accept.
    """

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self.root, self.max_bytes = root, max_bytes
        # Clients whose folder this process has made durable.
        self._prepared: set[str] = set()

    def has_folder(self, client_id: str) -> bool:
        """Whether the client's folder exists. If files were stored in it but it is missing, the disk is not mounted."""
        with disk_errors:
            return (self.root / client_id).is_dir()

    def prepare(self, client_id: str) -> None:
        """Create the client's folder if it is missing. Raise `MediaStoreFailed` if names are not told apart."""
        folders = (self.root, self.root / TEMPORARY, self.root / client_id)
        # Even `is_dir` fails on a file system that has shut down.
        with disk_errors:
            if client_id in self._prepared and all(folder.is_dir() for folder in folders):
                return
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.root, self.root.parent):
                fsync_folder(folder)
            require_distinct_names(self.root / TEMPORARY, f"Folding.{client_id}")
        self._prepared.add(client_id)

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
            self._half(client_id, fence).mkdir(mode=0o700, exist_ok=True)

    def is_ours(self, client_id: str, fence: int) -> bool:
        """Whether the disk is mounted, and the holder of the lease with this `fence` has no successor."""
        with disk_errors:
            return self._half(client_id, fence).is_dir()

    def probe(self) -> None:
        """Write, fsync and remove a test file. Raise `MediaStoreFailed` if that fails, or names are not told apart."""
        with disk_errors:
            (self.root / TEMPORARY).mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.root / TEMPORARY / f"probe.{secrets.token_hex(8)}"
            try:
                with path.open("xb") as file:
                    file.write(b"syncd")
                    os.fsync(file.fileno())
            finally:
                path.unlink(missing_ok=True)
            require_distinct_names(path.parent, f"{path.name}.Aa")

    def incoming(self, client_id: str, key: MediaKey, fence: int) -> IncomingFile:
        """Return the receiver of one file. Use it in a `with`.

        The file's folder may be new, so a power failure can lose the file until `settle` has returned.

        Args:
            fence: the writer's fencing number. A successor uses it to shut the writer out.
        """
        temporary = f"{self._half(client_id, fence)}/{random.getrandbits(64):016x}"
        return IncomingFile(self.root, path_of(client_id, key), temporary, max_bytes=self.max_bytes)

    def settle(self, client_id: str) -> None:
        """Make the folders of stored files durable. When this returns, a power failure cannot lose these files.

        Raises:
            MediaStoreFailed: no file stored since the last `settle` can be trusted. Do not call `settle` again, since a
                second fsync would report success. Store the files again.
        """
        with disk_errors:
            fsync_folder(self.root / client_id)

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
        path = self.root / storage_path
        with disk_errors:
            aside = self._half(client_id, fence) / secrets.token_hex(8)
            try:
                path.rename(aside)
            except FileNotFoundError:
                if not aside.parent.is_dir():
                    raise
            else:
                aside.unlink()
            # The folder may hold other files, or may not exist.
            with suppress(OSError):
                path.parent.rmdir()
            for folder in (path.parent, path.parent.parent):
                if folder.is_dir():
                    fsync_folder(folder)

    def keep(self, storage_path: str) -> str | None:
        """Give a file a second name below `.lost`, so that nothing that replaces it destroys it.

        Returns:
            That name, relative to the root; None if the file is missing.
        """
        with disk_errors:
            return keep(self.root, storage_path)

    def set_aside(self, client_id: str, storage_path: str, *, fence: int) -> str | None:
        """Move a file to `.lost`, and return its new path; None if it is missing. See `remove_file` for `fence`.

        The file has its second name before it loses the first one, so no crash can lose it.
        """
        if name := self.keep(storage_path):
            self.remove_file(client_id, storage_path, fence=fence)
        return name

    def count_lost(self, client_id: str) -> int:
        """Count the files of the client that `set_aside` and `keep` have put below `.lost`."""
        return count_lost(self.root, client_id)

    def _half(self, client_id: str, fence: int) -> Path:
        """Return the folder for the partial files of this lease's holder."""
        return self.root / TEMPORARY / f"{client_id}.{fence}"

    def measure(self, storage_path: str) -> tuple[int, bytes] | None:
        """Return the size and SHA-256 of a stored file as it is on disk now, or None if it is missing."""
        digest, size = hashlib.sha256(), 0
        try:
            with (self.root / storage_path).open("rb") as file:
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
        path = self.root / storage_path
        with disk_errors:
            with path.open("rb") as file:
                os.fsync(file.fileno())
                start = file.read(SNIFFED_BYTES)
            fsync_folder(path.parent)
        return StoredFile(storage_path, *measured, sniff(start))

    def files(self, client_id: str) -> Iterator[str]:
        """Yield the storage paths of all files below the client's folder."""
        for folder, _, names in os.walk(self.root / client_id):
            for name in names:
                yield (Path(folder) / name).relative_to(self.root).as_posix()
