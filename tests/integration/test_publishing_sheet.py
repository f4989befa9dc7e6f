"""The sheet: one page of A4 in both forms, whatever the title; its code reads again; nothing in a title is ever obeyed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from syncd.errors import SyncdError
from syncd.publishing.languages import Language
from syncd.publishing.sheet import INSTRUCTIONS, sheet_html, sheet_pdf
from tests import hostile
from tests.browser import PageServer, Served, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

URL = "https://acme.pitchyou.de/go/%C3%84%2F%C3%B6%3F?jkey=pflege&title=Pflegekraft&utm_source=aushang"
A4 = (595, 842)  # points
TITLES = {
    "ordinary": "Äußerst höfliche Köchin (m/w/d) für Übernachtungsgäste",
    "one long word": "W" * 300,
    "a real long word": "Donaudampfschifffahrtsgesellschaftskapitänsstellvertreterin gesucht",
    "a kilobyte": "Mitarbeiterin für äußere Angelegenheiten " * 23,
    "a kilobyte of capitals": "W" * 1000,
    "a kilobyte of dots": "." * 1000,
    "accents apart": "e\u0301" * 150,
    "ideographs": "護" * 500,
    "emoji": "Ä/ö? #1%+ 🚲",
}

IN_EVERY_RUN = ("ordinary", "one long word", "a kilobyte of capitals", "a kilobyte of dots", "emoji")
PRINTED = [
    pytest.param(title, id=name, marks=() if name in IN_EVERY_RUN else pytest.mark.proof)
    for name, title in TITLES.items()
]


def opened(pdf: bytes) -> tuple[pypdfium2.PdfPage, str]:
    """The only page of an A4 document, and its text without the places where words may break."""
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    page = document[0]
    assert tuple(map(round, page.get_size())) == A4
    return page, page.get_textpage().get_text_range().replace("\u200b", "").replace("\ufffe", "")


def address_on(picture: Image.Image) -> str:
    (code,) = zxingcpp.read_barcodes(picture)
    return code.text


def without_blanks(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_the_pdf_is_one_page_of_a4_whose_code_reads_as_the_link(title: str) -> None:
    page, _ = opened(sheet_pdf(URL, title=title))
    assert address_on(page.render(scale=2).to_pil()) == URL


@pytest.mark.parametrize("name", ["ordinary", "one long word", "a real long word", "a kilobyte"])
def test_the_pdf_holds_the_whole_title_inside_its_margins(name: str) -> None:
    page, text = opened(sheet_pdf(URL, title=TITLES[name]))
    assert without_blanks(text) == without_blanks(TITLES[name] + INSTRUCTIONS["de"])
    ink = page.render(scale=1).to_pil().convert("L").point(lambda value: 255 - value).getbbox()
    assert ink is not None
    assert ink[0] >= 56  # points, 20 mm
    assert ink[2] <= A4[0] - 56


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_pdf_is_accessible_and_the_same_each_time(language: Language) -> None:
    pdf = sheet_pdf(URL, title="Köchin", language=language)
    assert pdf == sheet_pdf(URL, title="Köchin", language=language)
    assert b"pdfuaid:part" in pdf
    assert f"/Lang({language})".encode() in pdf
    assert pypdfium2.PdfDocument(pdf).get_metadata_value("Title") == "Köchin"
    assert INSTRUCTIONS[language] in opened(pdf)[1]


def test_a_sheet_without_typst_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)  # an import of it fails, as where it is not installed
    with pytest.raises(
        SyncdError, match=r"pip install --require-hashes -r requirements/demo\.txt`, or use a \.html file"
    ):
        sheet_pdf(URL, title="Köchin")


@pytest.mark.parametrize("text", hostile.TEXTS.values(), ids=hostile.TEXTS)
def test_a_hostile_title_in_the_pdf_is_text_and_nothing_else(text: str) -> None:
    pdf = sheet_pdf(URL, title=text)
    page, shown = opened(pdf)
    assert without_blanks(shown).startswith(without_blanks(hostile.harmless(text)))
    assert pypdfium2.PdfDocument(pdf).get_metadata_value("Title") == hostile.harmless(text)
    assert not any(action in pdf for action in (b"/JavaScript", b"/OpenAction", b"/Launch", b"/URI"))
    assert address_on(page.render(scale=2).to_pil()) == URL


@pytest.mark.parametrize("title", PRINTED)
def test_the_page_prints_on_one_side_and_nothing_of_it_is_cut(browser: Browser, title: str) -> None:
    with (
        PageServer({"/": Served(sheet_html(URL, title=title))}) as server,
        visit(browser, server.url + "/") as visited,
    ):
        page, _ = opened(visited.page.pdf(prefer_css_page_size=True))
        assert address_on(page.render(scale=2).to_pil()) == URL
        boxes = [visited.page.locator(name).bounding_box() for name in ("main", "h1", "main svg", "p")]
        sheet, *parts = [box for box in boxes if box]
        assert len(parts) == 3
        assert visited.page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('h1'))")
        edges = [sheet["y"], *(edge for part in parts for edge in (part["y"], part["y"] + part["height"]))]
        assert [*edges, sheet["y"] + sheet["height"]] == sorted([*edges, sheet["y"] + sheet["height"]])
        assert visited.complaints == []
        assert visited.requests == [server.url + "/"]


def test_the_page_is_accessible(browser: Browser) -> None:
    page = sheet_html(URL, title=TITLES["ordinary"], language="en")
    with PageServer({"/": Served(page)}) as server, visit(browser, server.url + "/") as visited:
        assert visited.page.locator("html").get_attribute("lang") == "en"
        assert visited.page.title() == TITLES["ordinary"]
        assert Axe().run(visited.page).response["violations"] == []


@pytest.mark.parametrize("text", hostile.TEXTS.values(), ids=hostile.TEXTS)
def test_a_hostile_title_on_the_page_is_shown_and_does_nothing(browser: Browser, text: str) -> None:
    html = sheet_html(URL, title=text)
    unguarded = html.replace("http-equiv", "name")  # without its policy: it is the escaping that holds
    assert unguarded != html
    with PageServer({"/": Served(unguarded)}) as server, visit(browser, server.url + "/") as visited:
        assert visited.dialogs == visited.complaints == []
        elements: Any = visited.page.evaluate("Array.from(document.querySelectorAll('*'), e => e.localName)")
        head = ["html", "head", "meta", "meta", "meta", "title", "style"]
        assert elements == [*head, "body", "main", "h1", "svg", "title", "path", "path", "p"]
        assert visited.page.locator("h1").inner_text() == visited.page.title() == hostile.harmless(text)
