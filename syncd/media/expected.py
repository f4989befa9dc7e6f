"""Decides whether a body can be the file that PitchYou's list announces, or is an error message in its place."""

from mimetypes import MimeTypes

from syncd.markup import HTML, JSON, PLAIN, XML

# Without the files of this machine, so that the result is the same everywhere.
_TYPES = MimeTypes(filenames=())
_UNKNOWN = (None, "", "application/octet-stream", "binary/octet-stream", "application/binary")
_PAGES = frozenset({HTML, "application/xhtml+xml"})
_BINARY = (
    "image/",
    "audio/",
    "video/",
    "application/pdf",
    "application/zip",
    "application/vnd.o",
    "application/msword",
)


def is_error_message(sniffed: str | None, mime_type: str | None, file_name: str | None) -> bool:
    """Whether a text came for a file that is announced as something else.

    Args:
        sniffed: the type of the bytes, as `sniff` returns it.
        mime_type, file_name: what the list says of the file.
    """
    if sniffed not in (HTML, XML, JSON, PLAIN):
        return False
    announced = (mime_type or "").partition(";")[0].strip().lower()
    named = [each for each in (announced, _TYPES.guess_type(file_name or "")[0]) if each not in _UNKNOWN]
    if sniffed == PLAIN:
        return bool(named) and all(map(_is_binary, named))
    return _is_binary(announced) or not any(_may_be(sniffed, each) for each in named)


def _is_binary(mime_type: str) -> bool:
    return mime_type.startswith(_BINARY) and not mime_type.endswith("+xml")


def _may_be(sniffed: str, mime_type: str) -> bool:
    if sniffed == HTML:
        return mime_type in _PAGES
    return mime_type.startswith("text/") or mime_type.endswith(("json", "xml", "javascript"))
