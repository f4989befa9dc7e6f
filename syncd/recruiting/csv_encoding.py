"""Detects the encoding of a file: UTF-8, or Windows-1252 as older versions of Excel write. Rejects all others by line."""

import codecs
import re
from typing import IO

from syncd.errors import BadInput

_CHUNK = 1024 * 1024
_RESAVE = "save the file again as CSV in UTF-8"
_WIDE = (codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32 LE begins like UTF-16 LE
_NOT_IN_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
# Umlauts, quotes, dashes and the euro sign in UTF-8. Decoded as Windows-1252 they would become "Ã¼" or "â€œ".
_SURELY_UTF8 = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2[\x80\x82][\x80-\xbf]")

# The bytes of umlauts in CP850 and Mac Roman are quotes and capitals in Windows-1252, which never stand inside a word.
_UMLAUTS_OF_OTHERS = re.compile(rb"[A-Za-z][\x84\x93\x94][A-Za-z]|[A-Za-z][\x8a\x8e\x99\x9f][a-z]")


def encoding_of(file: IO[bytes]) -> str:
    """Return `utf-8-sig` or `cp1252`. Reads the whole file from its beginning in chunks.

    Raises:
        BadInput: the file is in neither encoding, mixes both, or contains NUL bytes.
    """
    file.seek(0)
    start = file.read(4)
    if start.startswith(_WIDE):
        raise BadInput(f"the file is UTF-16 or UTF-32; {_RESAVE}")
    broken = _first_not_utf8(file)
    if broken is None:
        return "utf-8-sig"
    if start.startswith(codecs.BOM_UTF8):
        raise BadInput(f"line {broken}: not UTF-8, although the file begins with a UTF-8 BOM; {_RESAVE}")
    _require_1252(file, broken)
    return "cp1252"


def _first_not_utf8(file: IO[bytes]) -> int | None:
    """Return the number of the first line that is not UTF-8. Raises BadInput at a NUL byte."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    line_no, broken = 1, None
    while True:
        chunk = file.read(_CHUNK)
        if (nul := chunk.find(b"\0")) >= 0:
            line_no += chunk.count(b"\n", 0, nul)
            raise BadInput(f"line {line_no}: a NUL byte; if the file is UTF-16, {_RESAVE}")
        if broken is None:
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                broken = line_no + error.object.count(b"\n", 0, error.start)
        if not chunk:
            return broken
        line_no += chunk.count(b"\n")


def _require_1252(file: IO[bytes], broken: int) -> None:
    file.seek(0)
    line_no = 1
    while line := file.readline(_CHUNK):
        if wrong := _NOT_IN_1252.search(line):
            raise BadInput(
                f"line {line_no}: the byte 0x{wrong[0].hex()} is not Windows-1252, and line {broken} is not UTF-8; "
                f"{_RESAVE}"
            )
        if _UMLAUTS_OF_OTHERS.search(line):
            raise BadInput(f"line {line_no}: umlauts in an MS-DOS or old Mac encoding; {_RESAVE}")
        if _SURELY_UTF8.search(line):
            raise BadInput(f"line {line_no} is UTF-8, but line {broken} is not; {_RESAVE}")
        line_no += line.endswith(b"\n")
