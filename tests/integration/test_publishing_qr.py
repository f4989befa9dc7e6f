"""QR codes are read again by another library, from the PNG and from the SVG as Chromium shows it."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import zxingcpp
from PIL import Image

from syncd.errors import BadInput
from syncd.publishing.qr import LONGEST_ADDRESS, qr_png, qr_svg, qr_warning
from tests.browser import PageServer, Served, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BASE = "https://acme.pitchyou.de/go/"
ADDRESSES = {
    "short": "http://a.de",
    "digits": "http://1.de/" + "0123456789" * 4,
    "ordinary": f"{BASE}{quote('Ä/ö? #1%+ 🚲', safe='')}?jkey=pflege&title=K%C3%B6chin&utm_source=aushang",
    "longest": BASE + "x" * (LONGEST_ADDRESS - len(BASE)),
}


def read(picture: Image.Image) -> zxingcpp.Barcode:
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.valid
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    return code


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_the_png_reads_as_the_address_with_level_m_or_better_and_four_modules_of_white(address: str) -> None:
    picture = Image.open(io.BytesIO(qr_png(address))).convert("L")
    code = read(picture)
    assert code.text == address
    assert code.ec_level in ("M", "Q", "H")
    dark = picture.point(lambda value: 255 - value).getbbox()
    assert dark == (48, 48, picture.width - 48, picture.height - 48)


@pytest.mark.parametrize("name", ["ordinary", "longest"])
def test_the_svg_reads_as_the_address_on_a_dark_page_too(browser: Browser, name: str) -> None:
    address = ADDRESSES[name]
    page = "<!doctype html><body style='background:#000;margin:40px'><img src=qr.svg width=700 height=700 alt=QR>"
    with (
        PageServer({"/": Served(page), "/qr.svg": Served(qr_svg(address), "image/svg+xml")}) as server,
        visit(
            browser, server.url + "/", viewport={"width": 780, "height": 780}, device_scale_factor=2
        ) as visited,
    ):
        assert read(Image.open(io.BytesIO(visited.page.screenshot()))).text == address
        assert visited.complaints == []


def test_the_svg_has_a_name_and_measures_a_millimetre_per_module() -> None:
    root = ET.fromstring(qr_svg("http://a.de"))  # version 1: 21 modules and twice 4 of white
    assert (root.get("role"), root.get("width"), root.get("height")) == ("img", "29mm", "29mm")
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "QR-Code"


def test_an_address_too_long_for_a_code_is_refused_with_both_lengths() -> None:
    for publish in (qr_png, qr_svg):
        with pytest.raises(
            BadInput, match=r"has 2332 characters, but a QR code holds at most 2331 .* Shorten the title"
        ):
            publish(ADDRESSES["longest"] + "x")


def test_a_dense_code_gets_a_warning_with_the_remedy_and_an_ordinary_one_gets_none() -> None:
    ordinary = (
        "https://acme.pitchyou.de/go/PF-2026-014?jkey=pflege-standard&title=Pflegefachkraft%20%28m%2Fw%2Fd%29"
    )
    assert qr_warning(ordinary) is None
    assert qr_warning("https://x.example/" + "a" * 390) is None
    dense = qr_warning("https://x.example/" + "a" * 1980)
    assert dense is not None
    assert "169 × 169 modules" in dense
    assert "Shorten the title" in dense
