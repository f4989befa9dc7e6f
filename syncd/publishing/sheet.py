"""Creates an A4 sheet for a notice board or shop window: the job title, a QR code and a line that explains it."""

import base64
import hashlib
from html import escape
from importlib import resources
from unicodedata import combining, east_asian_width

from syncd.publishing.checking import checked_title
from syncd.publishing.languages import Language
from syncd.publishing.qr import qr_svg, qr_svg_element
from syncd.publishing.typesetting import breakable, pdf_of

INSTRUCTIONS: dict[Language, str] = {
    "de": "Code mit der Kamera scannen und per WhatsApp bewerben.",
    "en": "Scan the code with your camera and apply by WhatsApp.",
}

# The space for the title, in mm.
_WIDTH, _HEIGHT = 170, 105
# Font sizes in mm. The title gets the largest one in which it fits.
_SIZES = (20, 17, 14, 12, 10, 8, 7, 6, 5, 4, 3.2)
# In mm. The title shrinks to this size to keep long words whole. In smaller sizes long words break.
_SMALLEST_WHOLE = 10
# Line height as a multiple of the font size.
_LINE = 1.2
_STYLE = """@page { size: A4; margin: 0 }
html, body { margin: 0; background: #fff; color: #000 }
main { box-sizing: border-box; width: 210mm; height: 296mm; margin: auto; padding: 18mm 20mm; overflow: hidden;
  display: flex; flex-direction: column; align-items: center; justify-content: space-between; text-align: center;
  font-family: system-ui, sans-serif }
h1 { margin: 0; width: 170mm; font-size: %smm; line-height: 1.2; text-wrap: balance; overflow-wrap: anywhere }
svg { width: 105mm; height: 105mm }
p { margin: 0; font-size: 5.5mm; line-height: 1.2 }
"""


def sheet_html(url: str, *, title: str, language: Language = "de") -> str:
    """Create the sheet as an HTML page that prints on exactly one side of A4. The page loads nothing and runs no script.

    The title (at most 1,000 characters) wraps and shrinks until it fits. Raises BadInput for what `checked_title` or
    `qr_png` reject.
    """
    shown = checked_title(title)
    style = _STYLE % _size_of(shown)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(shown)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1 dir="auto">{escape(shown)}</h1>\n{qr_svg_element(url)}\n<p>{INSTRUCTIONS[language]}</p>\n'
        "</main>\n</body>\n</html>\n"
    )


def sheet_pdf(url: str, *, title: str, language: Language = "de") -> bytes:
    """Create the sheet as a PDF with one A4 page. The same arguments give the same bytes on the same machine.

    The PDF is accessible (PDF/UA-1), unless the title contains a character that no installed font has, such as an emoji.
    Title and errors are as in `sheet_html`. Raises SyncdError if the extra `sheet` is not installed.
    """
    shown = checked_title(title)
    instruction = INSTRUCTIONS[language]
    files = {
        "main": resources.files("syncd.publishing").joinpath("sheet.typ").read_bytes(),
        "qr.svg": qr_svg(url),
    }
    inputs = {"title": shown, "broken": breakable(shown), "instruction": instruction, "language": language}
    return pdf_of(files, inputs)


def _size_of(title: str) -> float:
    """Return the largest size in mm in which the title is sure to fit, assuming the widest letters of common fonts."""
    widest = max(sum(map(_em, word)) for word in title.split())
    for size in _SIZES:
        width = _WIDTH / size
        if (widest <= width or size < _SMALLEST_WHOLE) and _lines(title, width) * size * _LINE <= _HEIGHT:
            return size
    return _SIZES[-1]


def _lines(text: str, width: float) -> int:
    """Count the lines of the text if a line is `width` em wide and wider words are broken."""
    lines, used = 1, 0.0
    for word in text.split():
        needed = sum(map(_em, word))
        if used and used + 0.3 + needed > width:
            lines, used = lines + 1, 0.0
        used += needed + (0.3 if used else 0)
        if used > width:
            whole, used = divmod(used, width - 1.4)  # each line of a broken word may end a letter early
            lines += int(whole)
    return lines


def _em(character: str) -> float:
    if combining(character):
        return 0
    if east_asian_width(character) in "WF":
        # The width of an emoji.
        return 1.4
    return 0.62 if character.isascii() and character.islower() else 1.0
