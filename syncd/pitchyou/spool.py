"""The list answer: spooled first, proven to be one whole JSON array, and only then cut into its elements.

Spooling frees the server's connection at once and shows a truncated answer before anything is landed. Cutting
without decoding keeps memory flat whatever the length of the list, keeps the exact bytes of each profile, and
lets one that is broken inside stand beside others that are not.
"""

import io
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO

from syncd.errors import BadAnswer, SyncdError
from syncd.pitchyou.json_array import MAX_DEPTH, WHITESPACE, WINDOW, cut

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


def spool(
    chunks: Iterable[bytes],
    *,
    max_bytes: int,
    limit: str = "sync.max_response_bytes",
    encoding: str = "",
    length: int | None = None,
) -> Spool:
    """Take in a list answer. The messages of its errors go on where the caller has named the list.

    Args:
        chunks: the body as it came over the wire.
        max_bytes: the longest answer to accept, after decompression.
        limit: what sets it.
        encoding: its Content-Encoding. syncd asks for none, but a proxy may compress all the same.
        length: its Content-Length, if known: refused early when too long.

    Raises:
        BadAnswer: too long, truncated, or anything but one JSON array.
        SyncdError: the folder for temporary files is full or cannot be written.
    """
    if length is not None and length > max_bytes:
        raise BadAnswer(f"it has {length} bytes, more than {limit} ({max_bytes})")
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - the Spool closes it
    try:
        size = 0
        for piece in _decoded(chunks, encoding):
            size += len(piece)
            if size > max_bytes:
                raise BadAnswer(f"it is longer than {limit} ({max_bytes})")
            file.write(piece)
        return Spool(file)
    except OSError as error:
        file.close()
        raise SyncdError(
            f"a list could not be kept in a temporary file ({error.strerror}): "
            "free space there, or set TMPDIR to another folder"
        ) from None
    except BaseException:
        file.close()
        raise


def element_of(payload: bytes) -> Element:
    """One element from its bytes alone, measured as in a list."""
    with suppress(BadAnswer), Spool(io.BytesIO(b"[%b]" % payload)) as elements:
        if len(elements) == 1:
            return next(iter(elements))
    return Element(payload)  # broken inside: whoever decodes it says how


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer("it has a Content-Encoding that was not asked for")
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for chunk in chunks:
            pending = chunk
            while pending:  # in pieces, so that a bomb meets the limit instead of the memory
                yield decoder.decompress(pending, WINDOW)
                if decoder.unused_data:  # zlib would gather it all, past every limit
                    raise BadAnswer("what was compressed goes on behind its end")
                pending = decoder.unconsumed_tail
        yield decoder.flush()
    except zlib.error:
        raise BadAnswer("what was compressed is damaged") from None
    if not decoder.eof:
        raise BadAnswer("what was compressed is truncated")
