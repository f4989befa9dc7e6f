"""An address as a QR code."""

import io

import segno

from syncd.errors import BadInput
from syncd.publishing.checking import checked_address

LONGEST_ADDRESS = 2331
"""Bytes that the largest QR code holds at error correction M."""

_QUIET_ZONE = 4  # modules; the standard's minimum
_PNG_SCALE = 12  # pixels per module: about 4 cm at 300 dpi for an ordinary apply link


def qr_svg(url: str) -> bytes:
    """The address as an SVG of one millimetre per module, which has a name for screen readers. Raises BadInput as `qr_png` does."""
    return _svg(url, xmldecl=True, unit="mm")


def qr_svg_element(url: str) -> str:
    """The same drawing as an `<svg>` element for an HTML page, whose stylesheet gives it a size. Raises BadInput as `qr_png` does."""
    return _svg(url, xmldecl=False, omitsize=True).decode().strip()


def qr_png(url: str) -> bytes:
    """The address as a PNG of 12 pixels per module.

    As the SVG, it has a quiet zone of four modules and corrects errors at level M or better. Raises BadInput for what
    `checked_address` refuses, and for an address too long for a QR code.
    """
    picture = io.BytesIO()
    _code(url).save(picture, kind="png", scale=_PNG_SCALE, border=_QUIET_ZONE)
    return picture.getvalue()


def _svg(url: str, *, xmldecl: bool, unit: str | None = None, omitsize: bool = False) -> bytes:
    drawing = io.BytesIO()
    _code(url).save(
        drawing,
        kind="svg",
        border=_QUIET_ZONE,
        light="#fff",  # on a dark page, too, the code stands on white
        title="QR-Code",
        svgclass=None,
        lineclass=None,
        xmldecl=xmldecl,
        unit=unit,
        omitsize=omitsize,
    )
    # crispEdges: without it, a scaled drawing shows light seams between the rows.
    return drawing.getvalue().replace(b"<svg ", b'<svg role="img" shape-rendering="crispEdges" ', 1)


def _code(url: str) -> segno.QRCode:
    address = checked_address(url)
    if len(address) > LONGEST_ADDRESS:
        raise BadInput(
            f"The address has {len(address)} characters; a QR code holds {LONGEST_ADDRESS} at error correction M. "
            "Shorten the title or the utm values."
        )
    return segno.make_qr(address, error="m", boost_error=True)
