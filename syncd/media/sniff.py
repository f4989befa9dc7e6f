"""Guesses the media type from the first bytes of a file. syncd records it next to PitchYou's type."""

import re

from syncd.markup import text_type

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"#!AMR-WB", "audio/amr-wb"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ADIF", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # .doc, .xls
    (0, b"{\\rtf", "application/rtf"),
    (0, b"BEGIN:VCARD", "text/vcard"),
    # A page with its images in one file, as Word saves it under .doc.
    (0, b"MIME-Version:", "message/rfc822"),
    *((4, box, "video/quicktime") for box in (b"moov", b"mdat", b"wide")),
)
# The brand of a file that begins with `ftyp`, or the beginning of the brand.
_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"he", "image/heic-sequence"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif-sequence"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"crx ", "image/x-canon-cr3"),
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"qt", "video/quicktime"),
    (b"3g2", "video/3gpp2"),
    (b"3g", "video/3gpp"),
    (b"", "video/mp4"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_OOXML = "application/vnd.openxmlformats-officedocument"
_OFFICE_FOLDERS = {
    b"word/": f"{_OOXML}.wordprocessingml.document",
    b"xl/": f"{_OOXML}.spreadsheetml.sheet",
    b"ppt/": f"{_OOXML}.presentationml.presentation",
}
# The first file in an archive of OpenDocument or EPUB, which is not compressed.
_MIMETYPE = re.compile(
    rb"PK\x03\x04.{22}\x08\x00..mimetype([\w.+-]{1,80}/[\w.+-]{1,80}?)(?=PK|\Z)", re.DOTALL
)
_ENTRY = re.compile(rb"PK\x03\x04.{26}([a-z]+/)", re.DOTALL)
# A reader of PDF accepts other bytes before the signature.
_PDF_WITHIN = 1024


def sniff(start: bytes) -> str | None:
    """Return the media type that the first bytes of a file show, or None if syncd does not recognise them."""
    for offset, signature, mime_type in _SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return mime_type
    text = text_type(start)
    if text is None or text == "text/plain":
        return _container(start) or _sound_or_bitmap(start) or _pdf(start) or text
    return text


def _container(start: bytes) -> str | None:
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand in (b"mif1", b"msf1") and b"avif" in start[16 : int.from_bytes(start[:4])]:
            return "image/avif"
        return next(mime_type for prefix, mime_type in _BRANDS if brand.startswith(prefix))
    if start[:4] == b"RIFF":
        return _RIFF.get(start[8:12])
    if start[:4] == b"\x1aE\xdf\xa3":
        return "video/x-matroska" if b"matroska" in start[:64] else "video/webm"
    return _archive(start) if start[:4] == b"PK\x03\x04" else None


def _archive(start: bytes) -> str:
    """Return the type of a document that is a ZIP archive, or that of a plain archive."""
    if named := _MIMETYPE.match(start):
        return named[1].decode("ascii")
    folders = (_OFFICE_FOLDERS.get(entry[1]) for entry in _ENTRY.finditer(start))
    return next(filter(None, folders), "application/zip")


def _sound_or_bitmap(start: bytes) -> str | None:
    """Recognise what has a short signature by further bytes of its header: AAC, MP3 and BMP."""
    if len(start) >= 4 and start[0] == 0xFF:
        if start[1] & 0xF6 == 0xF0:
            return "audio/aac"
        layer_3 = start[1] & 0xE6 == 0xE2 and start[1] & 0x18 != 0x08
        if layer_3 and start[2] & 0xF0 != 0xF0 and start[2] & 0x0C != 0x0C:
            return "audio/mpeg"
    is_bitmap = (
        start[:2] == b"BM" and start[6:10] == bytes(4) and 12 <= int.from_bytes(start[14:18], "little") <= 124
    )
    return "image/bmp" if is_bitmap else None


def _pdf(start: bytes) -> str | None:
    return "application/pdf" if b"%PDF-" in start[:_PDF_WITHIN] else None
