"""Lets a list come in as it does over HTTP: decoded, piece by piece."""

from collections.abc import Iterable

from syncd.pitchyou.content_coding import Decoder
from syncd.pitchyou.spool import Intake, Spool


def taken_in(
    chunks: Iterable[bytes], *, max_bytes: int, encoding: str = "", length: int | None = None
) -> Spool:
    """Take in a response of these pieces, with this Content-Encoding and this Content-Length."""
    intake = Intake(max_bytes=max_bytes)
    try:
        decoder = Decoder(encoding, intake.write)
        intake.begin(length)
        for chunk in chunks:
            decoder.write(chunk)
        decoder.finish()
        return intake.spool()
    finally:
        intake.close()
