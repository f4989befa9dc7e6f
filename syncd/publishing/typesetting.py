"""Makes PDF files with typst, which the extra `sheet` installs."""

import re
from collections.abc import Mapping
from typing import Literal

from syncd.errors import SyncdError

FONT = "Libertinus Serif"
"""The font of all PDF files. typst brings it, with the letters of European languages."""

_LONG_WORD = re.compile(r"\S{20,}")
# A letter with its accents, or an emoji with its parts.
_CLUSTER = re.compile("\\S(?:[\u0300-\u036f\ufe0e\ufe0f]|\u200d\\S)*")


def pdf_of(files: Mapping[str, bytes], inputs: Mapping[str, str]) -> bytes:
    """Make a PDF of the typst document `main` and the drawings in `files`. The same arguments give the same bytes.

    Texts belong into `inputs`, so that typst never reads them as markup. The PDF is accessible (PDF/UA-1), unless a text
    contains a character that no installed font has, such as an emoji. Raises SyncdError if typst is not installed.
    """
    try:
        import typst
    except ImportError:
        raise SyncdError(
            "PDF files need typst, which is not installed. In a checkout of syncd, run `pip install --require-hashes -r requirements/demo.txt`, or use a .html file."
        ) from None

    def compiled(standards: list[Literal["ua-1"]]) -> bytes:
        # typst's type annotations do not cover several files passed by name.
        return typst.compile(files, sys_inputs=inputs, pdf_standards=standards, timestamp=0)  # type: ignore[call-overload, no-any-return]

    try:
        return compiled(["ua-1"])
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
        return compiled([])


def breakable(text: str) -> str:
    """Insert invisible break opportunities into long words. typst breaks words only there."""
    return _LONG_WORD.sub(lambda word: "\u200b".join(_CLUSTER.findall(word[0])), text)
