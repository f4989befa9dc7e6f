"""Recognises text by its first bytes: web pages, XML, JSON. Error messages come as such, whatever their header says."""

import re

HTML, XML, JSON, SVG, PLAIN = (
    "text/html",
    "application/xml",
    "application/json",
    "image/svg+xml",
    "text/plain",
)

# What may stand before the first tag.
_PREAMBLE = re.compile(r"\s*(?:(?:<\?.*?\?>|<!--.*?-->)\s*)*", re.DOTALL)
_DOCTYPE = re.compile(r"<!doctype\s+([\w:.-]+)[^>\[]*(?:\[.*?\]\s*)?>?\s*", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<([A-Za-z][\w:.-]*)(?=[\s/>]|\Z)")
_PAGE_TAGS = frozenset(
    {
        *("html", "head", "title", "meta", "link", "style", "script", "base", "body", "header", "main"),
        *("h1", "h2", "h3", "p", "div", "span", "center", "table", "form", "iframe", "font", "b", "br", "a"),
    }
)
_JSON = re.compile(r'\{\s*["}]|\[\s*[\[{"\]]')
# Programs for offices save documents as HTML or XML under their own type.
_OFFICE = (
    ("urn:schemas-microsoft-com:office:spreadsheet", "application/vnd.ms-excel"),
    ("urn:schemas-microsoft-com:office", "application/msword"),
    ("schemas.microsoft.com/office/", "application/msword"),
    ("urn:oasis:names:tc:opendocument", "application/vnd.oasis.opendocument.text"),
)


def text_type(start: bytes) -> str | None:
    """Return the media type of a text that begins with these bytes, or None if they are not text."""
    text = _decoded(start)
    if text is not None:
        return _type_of(text)
    kind = _type_of(start.decode("latin-1")) if _is_latin_1(start) else None
    # A PDF may begin like a plain text in Latin-1.
    return None if kind == PLAIN else kind


def _type_of(text: str) -> str | None:
    if not text.strip():
        return None
    if _JSON.match(text.lstrip()):
        return JSON
    preamble = _PREAMBLE.match(text)
    rest = text[preamble.end() :] if preamble else text
    if doctype := _DOCTYPE.match(rest):
        kind = doctype[1].lower()
        if kind in ("html", "svg"):
            return _document(text) or HTML if kind == "html" else SVG
        rest = rest[doctype.end() :]
    tag = _TAG.match(rest)
    name = tag[1].lower() if tag else ""
    if name in _PAGE_TAGS:
        return _document(text) or HTML
    if name == "svg":
        return SVG
    # Some frameworks leave out the declaration.
    if text.lstrip().startswith("<?xml") or (name and ("</" in rest or "/>" in rest)):
        return _document(text) or XML
    return PLAIN


def _document(text: str) -> str | None:
    return next((mime_type for sign, mime_type in _OFFICE if sign in text), None)


def _decoded(start: bytes) -> str | None:
    """Decode UTF-8, or UTF-16 with a byte order mark. The last character may be cut off."""
    try:
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = start.decode("utf-16", "ignore")
        else:
            text = start.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return None
        text = start[: error.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "ignore")
    return None if _CONTROLS.search(text) else text


_CONTROLS = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def _is_latin_1(start: bytes) -> bool:
    """Whether bytes that are not UTF-8 look like Latin-1, or like the code pages of Windows: mostly ASCII."""
    others = sum(byte >= 0x80 for byte in start)
    return 4 * others < len(start) and not _CONTROLS.search(start.decode("latin-1"))
