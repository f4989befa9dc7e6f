"""What the first bytes of a file show, whatever its name and header say."""

import io
import zipfile

import pytest

from syncd.media.sniff import sniff


def box(brand: bytes, *compatible: bytes) -> bytes:
    """The first box of a file of the MPEG-4 family."""
    body = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(body) + 4).to_bytes(4) + body + b"\0\0\0\x08free"


def archive(*names: str, mimetype: str = "") -> bytes:
    """The first bytes of a ZIP archive of these files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        if mimetype:
            file.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            file.writestr(name, name * 50)
    return written.getvalue()[:4096]


OOXML = "application/vnd.openxmlformats-officedocument"
ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("start", "mime_type"),
    [
        (box(b"mif1", b"mif1", b"heic"), "image/heif"),
        (box(b"mif1", b"mif1", b"avif"), "image/avif"),
        (box(b"msf1", b"hevc"), "image/heif-sequence"),
        (box(b"heic", b"mif1", b"heic"), "image/heic"),
        (box(b"heix", b"mif1"), "image/heic"),
        (box(b"hevc", b"msf1"), "image/heic-sequence"),
        (box(b"avif", b"mif1", b"miaf"), "image/avif"),
        (box(b"M4A ", b"mp42"), "audio/mp4"),
        (box(b"3gp4", b"isom"), "video/3gpp"),
        (box(b"3g2a"), "video/3gpp2"),
        (box(b"qt  "), "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", "video/quicktime"),
        (box(b"isom", b"mp41"), "video/mp4"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\0\0\0AVI LIST", "video/x-msvideo"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
        (b"#!AMR\n\x3c\x91", "audio/amr"),
        (b"#!AMR-WB\n\x04", "audio/amr-wb"),
        (b"\xff\xf1\x50\x80\x02\x1f", "audio/aac"),
        (b"\xff\xf9\x50\x80\x02\x1f", "audio/aac"),
        (b"ADIF\0\0", "audio/aac"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\0", "audio/mpeg"),
        (b"\xff\xf3\x40\xc0\0", "audio/mpeg"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\x02\0\0", "audio/ogg"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
        (
            archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
            f"{OOXML}.wordprocessingml.document",
        ),
        (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OOXML}.spreadsheetml.sheet"),
        (archive("[Content_Types].xml", "ppt/presentation.xml"), f"{OOXML}.presentationml.presentation"),
        (archive("content.xml", mimetype=ODT), ODT),
        (archive("a.txt"), "application/zip"),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"\r\n\r\n%PDF-1.4\n", "application/pdf"),
        (b"{\\rtf1\\ansi", "application/rtf"),
        (b"BEGIN:VCARD\r\nVERSION:3.0", "text/vcard"),
        (b"<!doctype html>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "image/svg+xml"),
        ("Grüße".encode(), "text/plain"),
        ("Grüße".encode()[:3], "text/plain"),  # cut off within a letter
        (b"BM is short for Bad Mergentheim", "text/plain"),
        (b"BM\0\1\2\3\4\5\6\7\x08\x09\x10\x11\x12\x13\x14\x15\x16\x17", None),
        (b"\xff\xfeH\0a\0", "text/plain"),
        (b"\xff\xff\xff\xff\xff", None),
        (b"\0\1\2\3", None),
        (b"", None),
    ],
)
def test_a_file_is_recognised_by_its_first_bytes(start: bytes, mime_type: str | None) -> None:
    assert sniff(start) == mime_type
