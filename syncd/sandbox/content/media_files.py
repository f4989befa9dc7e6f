"""Makes the media files: PDFs in code, JPEGs and a video from small assets. Each file is unique."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from syncd.sandbox.content.profiles import seeded

_PORTRAITS = ("portrait_1.jpg", "portrait_2.jpg", "portrait_3.jpg")
_MAX_COMMENT = 65_533  # payload of one JPEG COM segment


@cache
def _asset(name: str) -> bytes:
    return resources.files("syncd.sandbox").joinpath("assets").joinpath(name).read_bytes()


def file_bytes(profile: Mapping[str, Any], entry: Mapping[str, Any], key: str, size: int | None) -> bytes:
    """Returns the bytes of one file of a profile.

    `key` makes the file unique; `size` pads it to exactly this number of bytes, unless it is larger already.
    """
    mime_type = entry.get("mimeType")
    if mime_type == "image/jpeg":
        name = "certificate.jpg" if "schein" in str(entry.get("fileName")) else seeded(key).choice(_PORTRAITS)
        return _jpeg(_asset(name), key.encode(), size)
    if mime_type == "video/mp4":
        return _mp4(_asset("introduction.mp4"), key.encode(), size)
    return _pdf(_lines(profile, entry), key, size)


def other_kind(mime_type: object) -> bytes:
    """Returns a file of a different type, for the fault `wrong_type`."""
    return _asset("introduction.mp4" if mime_type == "image/jpeg" else "portrait_1.jpg")


def _jpeg(image: bytes, key: bytes, size: int | None) -> bytes:
    room = max(len(key) + 4, (size or 0) - len(image))
    count = -(-room // (_MAX_COMMENT + 4))
    segments = []
    for number in range(count):
        length = room // count + (number < room % count) - 4
        text = key.ljust(length) if number == 0 else b" " * length
        segments.append(b"\xff\xfe" + (length + 2).to_bytes(2) + text)
    return image[:2] + b"".join(segments) + image[2:]


def _mp4(video: bytes, key: bytes, size: int | None) -> bytes:
    room = max(len(key) + 8, (size or 0) - len(video))
    return video + room.to_bytes(4) + b"free" + key.ljust(room - 8)


def _lines(profile: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    steps = profile.get("steps")
    first = steps[0] if isinstance(steps, list) and steps and isinstance(steps[0], dict) else {}
    return [
        f"{profile.get('firstName', '')} {profile.get('lastName', '')}".strip() or "Bewerbung",
        str(entry.get("fileName", "")),
        str(first.get("question", "")),
        f"E-Mail: {profile.get('email', '')}",
        f"Telefon: {profile.get('phone', '')}",
        f"Stelle: {profile.get('externalReferenceId', 'ohne Angabe')}",
        "Persönliche Stärken: zuverlässig, höflich, belastbar – auch an Feiertagen.",
    ]


def _pdf(lines: list[str], key: str, size: int | None) -> bytes:
    text = [b"BT /F1 20 Tf 60 770 Td", *(_pdf_line(line) for line in lines), b"ET"]
    page = b"\n".join(text)

    def build(padding: int) -> bytes:
        return _pdf_document([_stream(page), _stream(b"% " + key.encode() + b" " * padding)])

    return _padded(build, size)


def _pdf_line(line: str) -> bytes:
    # WinAnsi has the German letters, but no emoji and no Turkish letters; the PDF omits those.
    plain = (
        line.encode("cp1252", "ignore").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    )
    return b"(" + plain + b") Tj /F1 11 Tf 0 -24 Td"


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _pdf_document(streams: list[bytes]) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *streams,
    ]
    document = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)


def _padded(build: Callable[[int], bytes], size: int | None) -> bytes:
    document = build(0)
    if size is None or len(document) >= size:
        return document
    padding = size - len(document)
    # Padding also lengthens the lengths and offsets in the document: subtract that, then fill up the rest.
    surplus = len(build(padding)) - size
    document = build(max(0, padding - surplus))
    return document + b"\n" * (size - len(document))
