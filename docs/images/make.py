"""Renders button.png and sheet.png. Run it after a change to the button or the sheet: `.venv/bin/python -m docs.images.make`.

button.png shows the button in German and English, and a third one with the keyboard focus, under the strict policy that
the class form is made for. sheet.png is the PDF sheet.
"""

from pathlib import Path

import pypdfium2
from playwright.sync_api import sync_playwright

from syncd.publishing.button import button_css, button_html
from syncd.publishing.sheet import sheet_pdf
from tests.browser import PageServer, Served, chromium, visit

FOLDER = Path(__file__).parent
LINK = "https://acme.pitchyou.de/go/4711?jkey=pflege&title=Pflegefachkraft&utm_source=aushang"
STYLE = "body { margin: 0 } main { display: flex; gap: 24px; width: max-content; padding: 20px }"


def button() -> None:
    buttons = "".join(
        button_html(LINK, language=language, styles="classes") for language in ("de", "en", "en")
    )
    page = (
        '<!doctype html><html lang="de"><meta charset="utf-8"><title>Buttons</title>'
        f'<link rel="stylesheet" href="/site.css"><main>{buttons}</main></html>'
    )
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'none'"}
    pages = {
        "/": Served(page, headers=policy),
        "/site.css": Served(STYLE + button_css(), "text/css"),
    }
    with (
        sync_playwright() as playwright,
        chromium(playwright) as browser,
        PageServer(pages) as server,
        visit(browser, server.url + "/", device_scale_factor=2) as visited,
    ):
        # A key press makes the browser show the keyboard focus.
        visited.page.locator("a").last.press("Shift")
        visited.page.locator("main").screenshot(path=FOLDER / "button.png")


def sheet() -> None:
    pdf = sheet_pdf(LINK, title="Pflegefachkraft (m/w/d) für die Nachtwache")
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil()
    picture.convert("L").save(FOLDER / "sheet.png", optimize=True)


if __name__ == "__main__":
    button()
    sheet()
