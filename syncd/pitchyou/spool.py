"""Spools a list response, checks that it is one complete JSON array, and then cuts it into its elements.

Spooling frees the server's connection at once, and detects a truncated response before anything is landed. Cutting
without decoding keeps memory use flat for a list of any length. It keeps the exact bytes of each profile, and one
broken profile does not affect the other profiles.
"""

import errno
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO

from syncd.errors import BadAnswer, SyncdError
from syncd.pitchyou.budget import excess
from syncd.pitchyou.json_array import WHITESPACE, cut

# In bytes. A longer response goes to an unlinked temporary file with mode 0600.
MEMORY_LIMIT = 4 * 1024 * 1024
# In bytes, for one profile.
MAX_ELEMENT = 16 * 1024 * 1024
KEPT_OF_OVERSIZE = 1024 * 1024


class Element:
    """One element of the array: its bytes, and why it cannot be parsed, if that is known without decoding."""

    __slots__ = ("payload", "trouble")

    def __init__(self, payload: bytes, trouble: str | None = None) -> None:
        self.payload, self.trouble = payload, trouble


class Spool:
    """A complete list response, cut into elements.

    Iteration yields the last element first: if a response contains a profileId twice, the last element wins, so it must
    come first. `len()` is the number of elements. Close the spool, or use it in a `with`.

    `more` is how the response said that the list has more elements than these, or None.
    """

    def __init__(self, file: IO[bytes], check: Callable[[], object] = lambda: None) -> None:
        self._file = file
        self.more: str | None = None
        self._marks = cut(file, check)

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
            yield Element(payload, excess(payload))

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


class Intake:
    """Receives an array (as a `Sink`), then returns it as a `Spool`. Always close it.

    Args:
        max_bytes: the longest array to accept, after decompression.
        limit: the name of the setting that sets this limit, for messages.

    Raises:
        BadAnswer: the response is too long, truncated, or not one JSON array.
        SyncdError: the folder for temporary files is full or cannot be written.
    """

    def __init__(self, *, max_bytes: int, limit: str = "sync.max_response_bytes") -> None:
        self._max_bytes, self._limit = max_bytes, limit
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - see `close`
        self._size, self._given = 0, False

    def begin(self, length: int | None) -> None:
        """Start with an empty file. Refuse an array whose announced length is too long."""
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

    def spool(self, check: Callable[[], object] = lambda: None) -> Spool:
        """Cut the received bytes into elements. The returned spool then owns the file.

        Args:
            check: called again and again while this takes time; its exception ends the work.
        """
        try:
            found = Spool(self._file, check)
        except OSError as error:
            raise _no_room(error) from None
        self._given = True
        return found

    def close(self) -> None:
        """Discard the received bytes, unless a spool owns them."""
        if not self._given:
            with suppress(OSError):
                self._file.close()


def _no_room(error: OSError) -> SyncdError:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return SyncdError(
            f"a list could not be written to a temporary file ({error.strerror}). Raise LimitNOFILE of the service."
        )
    return SyncdError(
        f"a list could not be written to a temporary file ({error.strerror}). "
        "Free space there, or set TMPDIR to another folder."
    )


def element_of(payload: bytes) -> Element:
    """Return one element from its bytes, with the same checks as in a list."""
    with suppress(BadAnswer), Spool(io.BytesIO(b"[%b]" % payload)) as elements:
        if len(elements) == 1:
            return next(iter(elements))
    # The element is broken inside. Decoding it will show how.
    return Element(payload)
