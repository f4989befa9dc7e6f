"""The list answer: spooled first, proven to be one whole JSON array, and only then cut into its elements.

Spooling frees the server's connection at once and shows a truncated answer before anything is landed. Cutting
without decoding keeps memory flat whatever the length of the list, keeps the exact bytes of each profile, and
lets one that is broken inside stand beside others that are not.
"""

import io
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from syncd.errors import BadAnswer, SyncdError
from syncd.pitchyou.json_array import MAX_DEPTH, WHITESPACE, cut

MEMORY_LIMIT = 4 * 1024 * 1024  # bytes; a longer answer goes to an unlinked temporary file, mode 0600
MAX_ELEMENT = 16 * 1024 * 1024  # bytes of one profile
KEPT_OF_OVERSIZE = 1024 * 1024


class Element:
    """One element of the array: its bytes, and why it cannot be read, if that is known without decoding."""

    __slots__ = ("payload", "trouble")

    def __init__(self, payload: bytes, trouble: str | None = None) -> None:
        self.payload, self.trouble = payload, trouble


class Spool:
    """A whole list answer, cut into elements.

    Elements come last first: when a profileId stands twice in an answer the last one wins, and so it is seen
    first. `len()` is the number of elements. Close it, or use it in a `with`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._marks, self._too_deep = cut(file)

    def __len__(self) -> int:
        return len(self._marks) - 1

    def __iter__(self) -> Iterator[Element]:
        for index in range(len(self) - 1, -1, -1):
            start, end = self._marks[index] + 1, self._marks[index + 1]
            self._file.seek(start)
            if end - start > MAX_ELEMENT:
                reason = f"a profile of {end - start} bytes; the first {KEPT_OF_OVERSIZE} were kept"
                yield Element(self._file.read(KEPT_OF_OVERSIZE), reason)
                continue
            payload = self._file.read(end - start).strip(WHITESPACE)
            yield Element(
                payload, f"nested deeper than {MAX_DEPTH} levels" if index in self._too_deep else None
            )

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


class Intake:
    """Takes in an array as it comes (a `Sink`), then gives it as a `Spool`. Close it in any case.

    Args:
        max_bytes: the longest array to accept, after decompression.
        limit: the name of the setting that decides so, for messages.

    Raises:
        BadAnswer: too long, truncated, or anything but one JSON array.
        SyncdError: the folder for temporary files is full or cannot be written.
    """

    def __init__(self, *, max_bytes: int, limit: str = "sync.max_response_bytes") -> None:
        self._max_bytes, self._limit = max_bytes, limit
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - see `close`
        self._size, self._given = 0, False

    def begin(self, length: int | None) -> None:
        """Start with an empty file; refuse an array that is announced as too long."""
        if length is not None and length > self._max_bytes:
            raise BadAnswer(f"it has {length} bytes, more than {self._limit} ({self._max_bytes})")
        self._file.seek(0)
        self._file.truncate()
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add the next bytes."""
        self._size += len(data)
        if self._size > self._max_bytes:
            raise BadAnswer(f"it is longer than {self._limit} ({self._max_bytes})")
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_room(error) from None

    def spool(self) -> Spool:
        """Cut what came into elements. From here on the spool owns the file."""
        try:
            found = Spool(self._file)
        except OSError as error:
            raise _no_room(error) from None
        self._given = True
        return found

    def close(self) -> None:
        """Throw away what came, unless a spool owns it."""
        if not self._given:
            with suppress(OSError):
                self._file.close()


def _no_room(error: OSError) -> SyncdError:
    return SyncdError(
        f"a list could not be kept in a temporary file ({error.strerror}). "
        "Free space there, or set TMPDIR to another folder."
    )


def element_of(payload: bytes) -> Element:
    """One element from its bytes alone, measured as in a list."""
    with suppress(BadAnswer), Spool(io.BytesIO(b"[%b]" % payload)) as elements:
        if len(elements) == 1:
            return next(iter(elements))
    return Element(payload)  # broken inside: whoever decodes it says how
