"""An A4 sheet to hang up where people pass by: the job's title, a QR code, one line that says what to do with it."""

import base64
import hashlib
import re
from html import escape
from importlib import resources
from typing import Literal
from unicodedata import combining, east_asian_width

from syncd.errors import SyncdError
from syncd.publishing.checking import checked_title
from syncd.publishing.languages import Language
from syncd.publishing.qr import qr_svg, qr_svg_element

INSTRUCTIONS: dict[Language, str] = {
    "de": "Code mit der Kamera scannen und per WhatsApp bewerben.",
    "en": "Scan the code with your camera and apply by WhatsApp.",
}

_WIDTH, _HEIGHT = 170, 105  # mm: the room of the title
_SIZES = (20, 17, 14, 12, 10, 8, 7, 6, 5, 4, 3.2)  # mm: the largest in which the title fits is taken
_SMALLEST_WHOLE = 10  # mm: to this size the title shrinks for the sake of long words; below it they break
_LINE = 1.2  # height of a line, in sizes
_LONG_WORD = re.compile(r"\S{20,}")
_CLUSTER = re.compile(
    "\\S(?:[\u0300-\u036f\ufe0e\ufe0f]|\u200d\\S)*"
)  # a letter with its accents, an emoji with its parts

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
    """The sheet as a page that prints on exactly one side of A4; it loads and runs nothing.

    The title, of at most 1,000 characters, wraps and shrinks until it fits. Raises BadInput for what `checked_title` and `qr_png`
    refuse.
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
    """The sheet as a PDF of one page of A4, the same bytes for the same arguments on the same machine.

    It is PDF/UA-1, accessible, unless the title has a character that no font of this machine has, as an emoji may be. Title and
    errors as `sheet_html` has them; SyncdError if the extra `sheet` is not installed.
    """
    try:
        import typst
    except ImportError:
        raise SyncdError(
            "PDF sheets need typst, which is not installed here: pip install 'syncd[sheet]', or take the .html form."
        ) from None

    shown = checked_title(title)
    instruction = INSTRUCTIONS[language]
    files = {
        "main": resources.files("syncd.publishing").joinpath("sheet.typ").read_bytes(),
        "qr.svg": qr_svg(url),
    }
    # Texts go in as values: typst never reads them as markup.
    inputs = {"title": shown, "broken": _breakable(shown), "instruction": instruction, "language": language}

    def compiled(standards: list[Literal["ua-1"]]) -> bytes:
        # typst's own types do not know that several files may be given by name.
        return typst.compile(files, sys_inputs=inputs, pdf_standards=standards, timestamp=0)  # type: ignore[call-overload, no-any-return]

    try:
        return compiled(["ua-1"])
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
        return compiled([])


def _breakable(text: str) -> str:
    """The text with places to break, which show nothing, in its long words; typst breaks words nowhere else."""
    return _LONG_WORD.sub(lambda word: "\u200b".join(_CLUSTER.findall(word[0])), text)


def _size_of(title: str) -> float:
    """The largest size, in mm, in which the title surely fits; letters are counted as wide as those of any common font."""
    widest = max(sum(map(_em, word)) for word in title.split())
    for size in _SIZES:
        width = _WIDTH / size
        if (widest <= width or size < _SMALLEST_WHOLE) and _lines(title, width) * size * _LINE <= _HEIGHT:
            return size
    return _SIZES[-1]


def _lines(text: str, width: float) -> int:
    """The lines that the text takes when each holds `width` em and words wider than that are broken."""
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
        return 1.4  # the width of an emoji
    return 0.62 if character.isascii() and character.islower() else 1.0
