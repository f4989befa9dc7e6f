"""Writes one file to disk: temporary file, size and digest, fsync, rename, fsync of the folder."""

import hashlib
import os
from contextlib import suppress

from syncd.errors import SyncdError
from syncd.media.beneath import Root
from syncd.media.disk import disk_errors, place, write_all
from syncd.media.sniff import sniff
from syncd.model import StoredFile

SNIFFED_BYTES = 4096
_CLOSED = -1
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class IncompleteFile(SyncdError):
    """Fewer or more bytes came than the response announced. The download is worth a retry."""


class FileTooLarge(SyncdError):
    """The file is larger than `media.max_bytes`."""


class IncomingFile:
    """Receives the bytes of one file. `keep` gives the file its name; the end of the `with` removes a file not kept.

    Use it in one thread only.

    Raises:
        FileTooLarge: the file is larger than `max_bytes`.
        MediaStoreFailed: the disk is full, read-only or failing. The file is discarded, because after a failed fsync a
            second fsync would report success without having written.
    """

    def __init__(self, root: Root, storage_path: str, temporary: str, *, max_bytes: int) -> None:
        self._root, self._storage_path, self._temporary = root, storage_path, temporary
        self._max_bytes = max_bytes
        self._descriptor = _CLOSED
        self._reset(None)

    def __enter__(self) -> "IncomingFile":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._descriptor != _CLOSED:
            self._close()
            with suppress(OSError):
                os.unlink(self._temporary)  # noqa: PTH108 - a Path costs more than the call

    def begin(self, length: int | None) -> None:
        """Start with an empty file, even after an earlier attempt.

        Args:
            length: the announced size in bytes, or None.
        """
        if length is not None and length > self._max_bytes:
            raise FileTooLarge(f"{length} bytes announced, more than media.max_bytes ({self._max_bytes})")
        with disk_errors:
            if self._descriptor == _CLOSED:
                self._descriptor = os.open(self._temporary, _NEW_FILE, 0o600)
                self._root.give(self._descriptor)
            elif self._size:
                os.ftruncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._reset(length)

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        self._size += len(data)
        if self._size > self._max_bytes:
            raise FileTooLarge(f"more than media.max_bytes ({self._max_bytes})")
        self._digest.update(data)
        if len(self._start) < SNIFFED_BYTES:
            self._start += data[:SNIFFED_BYTES]
        with disk_errors:
            write_all(self._descriptor, data)

    @property
    def sniffed(self) -> str | None:
        """The media type that the received bytes show, or None."""
        return sniff(self._start)

    def keep(self) -> StoredFile:
        """Give the file its name. When this returns, the file's bytes and its name in its folder are durable.

        Raises:
            IncompleteFile: the size is not the announced one, or the file is empty and no length was announced.
        """
        if self._descriptor == _CLOSED:
            raise IncompleteFile("no file was received")
        if self._size != self._length and (self._length is not None or self._size == 0):
            announced = "no length" if self._length is None else self._length
            raise IncompleteFile(f"{self._size} bytes were received, {announced} was announced")
        with disk_errors:
            os.fsync(self._descriptor)
            place(self._root, self._temporary, self._storage_path)
        self._close()
        return StoredFile(self._storage_path, self._size, self._digest.digest(), self.sniffed)

    def _reset(self, length: int | None) -> None:
        self._length, self._size = length, 0
        self._digest, self._start = hashlib.sha256(), b""

    def _close(self) -> None:
        if self._descriptor != _CLOSED:
            os.close(self._descriptor)
            self._descriptor = _CLOSED
