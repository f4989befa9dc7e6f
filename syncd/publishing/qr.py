"""Encodes a URL as a QR code."""

import io

import segno

from syncd.errors import BadInput
from syncd.publishing.checking import checked_address

LONGEST_ADDRESS = 2331
"""The capacity in bytes of the largest QR code at error correction level M."""

# Modules on one side of a version 15 code. Phones read denser ones only from nearby and in good light.
_DENSE = 77
# Modules; the minimum of the standard.
_QUIET_ZONE = 4
# Pixels per module. A typical apply link is then about 4 cm wide at 300 dpi.
_PNG_SCALE = 12


def qr_svg(url: str) -> bytes:
    """Encode the URL as an SVG with one millimetre per module and a name for screen readers. Raises BadInput as `qr_png` does."""
    return _svg(url, xmldecl=True, unit="mm")


def qr_svg_element(url: str) -> str:
    """Encode the URL as an `<svg>` element for an HTML page; the page's CSS sets its size. Raises BadInput as `qr_png` does."""
    return _svg(url, xmldecl=False, omitsize=True).decode().strip()


def qr_png(url: str) -> bytes:
    """Encode the URL as a PNG with 12 pixels per module.

    Like the SVG, it has a quiet zone of four modules and error correction level M or better. Raises BadInput for what
    `checked_address` rejects, and for a URL that is too long for a QR code.
    """
    picture = io.BytesIO()
    _code(url).save(picture, kind="png", scale=_PNG_SCALE, border=_QUIET_ZONE)
    return picture.getvalue()


def qr_warning(url: str) -> str | None:
    """Return a warning if the QR code is so dense that many cameras cannot read it, or None. Raises BadInput as `qr_png` does."""
    code = _code(url)
    modules = code.symbol_size(border=0)[0]
    if modules <= _DENSE:
        return None
    return (
        f"the QR code is dense: {modules} × {modules} modules for {len(url)} characters. Many cameras cannot read it from a "
        f"poster. Shorten the title, the utm values or the job's reference, or print the code at least {modules // 10} cm wide."
    )


def _svg(url: str, *, xmldecl: bool, unit: str | None = None, omitsize: bool = False) -> bytes:
    drawing = io.BytesIO()
    _code(url).save(
        drawing,
        kind="svg",
        border=_QUIET_ZONE,
        light="#fff",  # keeps the code readable on dark pages
        title="QR-Code",
        svgclass=None,
        lineclass=None,
        xmldecl=xmldecl,
        unit=unit,
        omitsize=omitsize,
    )
    # Without crispEdges, a scaled drawing shows light seams between the rows.
    return drawing.getvalue().replace(b"<svg ", b'<svg role="img" shape-rendering="crispEdges" ', 1)


def _code(url: str) -> segno.QRCode:
    address = checked_address(url)
    if len(address) > LONGEST_ADDRESS:
        raise BadInput(
            f"The URL has {len(address)} characters, but a QR code holds at most {LONGEST_ADDRESS} (error correction M). "
            "Shorten the title or the utm values."
        )
    return segno.make_qr(address, error="m", boost_error=True)
