"""Files on disk: temporary file, size and digest checked, fsync, rename, fsync of the folder; one of the client's for many."""

import hashlib
import os
import random
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from syncd.errors import MediaStoreFailed
from syncd.media.disk import disk_errors, fsync_folder, remove_folder
from syncd.media.incoming import SNIFFED_BYTES, IncomingFile
from syncd.media.paths import path_of
from syncd.media.sniff import sniff
from syncd.model import MediaKey, StoredFile

TEMPORARY = ".tmp"  # below the root, so that a leftover is found without a search through all clients
_LEFT = "left"  # what the folder of an earlier holder is called until it is removed


class Vault:
    """The media root. Safe to share between threads and processes: whoever writes a file, it is whole.

    Args:
        root: an existing or new folder; everything in it is 0700 and 0600.
        max_bytes: the largest file to accept.
    """

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self.root, self.max_bytes = root, max_bytes
        self._prepared: set[str] = set()  # clients whose folder this process has made durable

    def has_folder(self, client_id: str) -> bool:
        """Whether the client's folder is there. If files were stored in it and it is not, the disk is not mounted."""
        with disk_errors:
            return (self.root / client_id).is_dir()

    def prepare(self, client_id: str) -> None:
        """Make the client's folder, if it is not there."""
        folders = (self.root, self.root / TEMPORARY, self.root / client_id)
        with disk_errors:  # also around the look: a file system that has shut down fails even that
            if client_id in self._prepared and all(folder.is_dir() for folder in folders):
                return
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.root, self.root.parent):
                fsync_folder(folder)
        self._prepared.add(client_id)

    def take_over(self, client_id: str, fence: int) -> None:
        """Let holders of leases before `fence` store nothing any more, and remove what they left half done.

        Each holder writes into a folder of its own. Without it, whoever still lives of them cannot begin another file,
        nor give its name to one that is half written. Ours comes last: what is removed may have filled the disk.
        """
        with disk_errors:
            for folder in (self.root / TEMPORARY).glob(f"{client_id}.*"):
                _, owner, *left = folder.name.split(".")
                if owner.isdigit() and int(owner) < fence:
                    # Its owner is shut out with the name; what is in it may belong to another user and stay.
                    aside = folder if left else folder.rename(f"{folder}.{_LEFT}")
                    with suppress(PermissionError):
                        remove_folder(aside)
            self._half(client_id, fence).mkdir(mode=0o700, exist_ok=True)

    def is_ours(self, client_id: str, fence: int) -> bool:
        """Whether the disk is there, and nobody has taken it over from the holder of the lease with this `fence`."""
        with disk_errors:
            return self._half(client_id, fence).is_dir()

    def probe(self) -> None:
        """Prove that a file can be written, fsynced and removed again, or raise `MediaStoreFailed`."""
        with disk_errors:
            (self.root / TEMPORARY).mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.root / TEMPORARY / f"probe.{secrets.token_hex(8)}"
            try:
                with path.open("xb") as file:
                    file.write(b"syncd")
                    os.fsync(file.fileno())
            finally:
                path.unlink(missing_ok=True)

    def incoming(self, client_id: str, key: MediaKey, fence: int) -> IncomingFile:
        """Take in one file; use it in a `with`.

        The client's folder may be new, so a power cut can lose the file until `settle` has returned.

        Args:
            fence: the writer's fencing number; a successor shuts the writer out by it.
        """
        temporary = f"{self._half(client_id, fence)}/{random.getrandbits(64):016x}"
        return IncomingFile(self.root, path_of(client_id, key), temporary, max_bytes=self.max_bytes)

    def settle(self, client_id: str) -> None:
        """Make the folders of stored files durable; when this returns, a power cut cannot lose these files any more.

        Raises:
            MediaStoreFailed: no file stored since the last `settle` may be believed, nor settled once more: a second
                fsync would claim success. Store them again.
        """
        with disk_errors:
            fsync_folder(self.root / client_id)

    def remove(self, client_id: str, key: MediaKey, *, fence: int) -> None:
        """Remove a file and its folder, if that is then empty. A missing one is fine."""
        self.remove_file(client_id, path_of(client_id, key), fence=fence)

    def remove_file(self, client_id: str, storage_path: str, *, fence: int) -> None:
        """Remove the file at a path relative to the root, and its folder if that is then empty.

        By way of the folder of the lease with this `fence`: once a successor has taken over, that is gone, and so a process
        that was frozen removes nothing that its successor has stored.

        Raises:
            MediaStoreFailed: the disk does not let it go, or another has taken over.
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
            with suppress(OSError):  # not empty, or never made
                path.parent.rmdir()
            for folder in (path.parent, path.parent.parent):
                if folder.is_dir():
                    fsync_folder(folder)

    def _half(self, client_id: str, fence: int) -> Path:
        """Where the holder of this lease writes its files before they have their names."""
        return self.root / TEMPORARY / f"{client_id}.{fence}"

    def measure(self, storage_path: str) -> tuple[int, bytes] | None:
        """Size and SHA-256 of a stored file as it is on disk now, or None if it is not there."""
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
        """A file that has its name, and so is whole, made as durable as one that `incoming` has taken in; None if none is there.

        Raises:
            MediaStoreFailed: it cannot be read, or not be made durable.
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
        """The storage paths of all files below the client's folder."""
        for folder, _, names in os.walk(self.root / client_id):
            for name in names:
                yield (Path(folder) / name).relative_to(self.root).as_posix()
