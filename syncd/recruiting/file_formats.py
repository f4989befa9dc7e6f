"""Recognises files that are not CSV but are often given instead: workbooks, archives, web pages."""

import zipfile
import zlib
from typing import IO

from syncd.errors import BadInput

_SAVE_AS = 'Open it in the program that made it, save it as "CSV UTF-8", and give that file.'
# The beginning of a file → what it is.
_MAGIC = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls), or a workbook with a password"),
    (b"\x09\x08", "an old Excel workbook (.xls)"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a text document (.rtf)"),
)
_PACKED = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<meta", b"<?xml", b"<workbook")
# A name in a zip archive → what the archive is.
_MEMBERS = (
    ("xl/", "an Excel workbook (.xlsx)"),
    ("index/", "a Numbers document (.numbers)"),
    ("index.zip", "a Numbers document (.numbers)"),
    ("word/", "a Word document (.docx)"),
)


def require_text(file: IO[bytes]) -> None:
    """Raise BadInput if the file is certainly not a CSV file. Its message says what the file is and how to make a CSV file."""
    file.seek(0)
    start = file.read(1024)
    for magic, what in _MAGIC:
        if start.startswith(magic):
            raise BadInput(f"the file is {what}, not a CSV file. {_SAVE_AS}")
    for magic, what in _PACKED:
        if start.startswith(magic):
            raise BadInput(f"the file is {what}, not a CSV file. Unpack it first.")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        what = _kind_of_zip(file)
        remedy = "Unpack it first." if what == "a zip archive" else _SAVE_AS
        raise BadInput(f"the file is {what}, not a CSV file. {remedy}")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_MARKUP):
        raise BadInput(f"the file is a web page or an XML document, not a CSV file. {_SAVE_AS}")


def _kind_of_zip(file: IO[bytes]) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                kind = archive.read("mimetype")
                if b"opendocument.spreadsheet" in kind:
                    return "a LibreOffice spreadsheet (.ods)"
                if b"opendocument" in kind:
                    return "a LibreOffice document"
    # What zipfile raises for a damaged, encrypted or unusual archive.
    except (OSError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile):
        return "a zip archive"
    for prefix, what in _MEMBERS:
        if any(name.lower().startswith(prefix) for name in names):
            return what
    return "a zip archive"
