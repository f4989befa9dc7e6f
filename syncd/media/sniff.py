"""Guesses the media type from the first bytes of a file. syncd only records it next to PitchYou's type."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # .doc, .xls
    (0, b"PK\x03\x04", "application/zip"),  # .docx, .odt and plain archives
    (0, b"{\\rtf", "application/rtf"),
)


def sniff(start: bytes) -> str | None:
    """Return the media type that the first bytes of a file show, or None if syncd does not recognise them."""
    for offset, signature, mime_type in _SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return mime_type
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    return None
