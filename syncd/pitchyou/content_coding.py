"""Decodes gzip and deflate. syncd does not request a Content-Encoding, but a proxy may compress all the same."""

import zlib
from collections.abc import Callable

from syncd.pitchyou.failures import compressed

# In bytes. The receiver of the pieces has a limit, so that a decompression bomb cannot fill the memory or the disk.
_PIECE = 64 * 1024
# How many bytes may be decoded in any case, and how many for each byte received.
_BOMB_SIZE, _BOMB_RATIO = 16 * 1024 * 1024, 200


class Decoder:
    """Decodes one body and hands it to `write` in pieces of 64 KiB at most.

    Args:
        coding: the Content-Encoding of the response.

    Attributes:
        write: takes the next bytes as received.

    Raises:
        ApiUnavailable: the body cannot be decoded, is damaged, or goes on after its end; `kind` is `compressed`.
    """

    def __init__(self, coding: str, write: Callable[[bytes], object]) -> None:
        coding = coding.strip().lower()
        self.is_identity = coding in ("", "identity")
        if not self.is_identity and coding not in ("gzip", "x-gzip", "deflate"):
            raise compressed("in a way that syncd cannot decode")
        self._write, self.write = write, write
        if not self.is_identity:
            self.write, self._zlib = self._decode, zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._came = self._decoded = 0

    def _decode(self, data: bytes) -> None:
        self._came += len(data)
        while data:
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error:
                raise compressed("and damaged") from None
            if self._zlib.unused_data:
                raise compressed("and goes on after its end")
            self._decoded += len(piece)
            if self._decoded > max(_BOMB_SIZE, _BOMB_RATIO * self._came):
                raise compressed(f"and expands more than {_BOMB_RATIO}-fold")
            self._write(piece)
            data = self._zlib.unconsumed_tail

    def finish(self) -> None:
        """Check that the body is complete, and hand on the rest of it.

        Raises:
            ApiUnavailable: the body is damaged or truncated.
        """
        if self.is_identity:
            return
        try:
            while piece := self._zlib.decompress(self._zlib.unconsumed_tail, _PIECE):
                self._write(piece)
        except zlib.error:
            raise compressed("and damaged") from None
        if not self._zlib.eof:
            raise compressed("and truncated")
