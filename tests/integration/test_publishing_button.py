"""The button in a real browser: everybody can use it, a strict policy has nothing against it, no text does harm in it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from syncd.publishing.button import Styles, button_css, button_html
from tests import hostile
from tests.browser import PageServer, Served, Visit, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

URL = "https://acme.pitchyou.de/go/%C3%84%2F%C3%B6?jkey=pflege&title=K%C3%B6chin'"
STRICT = {"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'none'"}
HEAD = '<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Stelle</title>'


def ad(*buttons: str, style: str = "") -> str:
    """A job ad with these buttons, each on a line of its own."""
    return f"{HEAD}{style}</head><body><main><h1>Stelle</h1><p>{'<p>'.join(buttons)}</main></body></html>"


def strict_server(*buttons: str) -> PageServer:
    """A site whose policy allows its own stylesheet and nothing else."""
    page = ad(*buttons, style='<link rel="stylesheet" href="/site.css">')
    return PageServer({"/": Served(page, headers=STRICT), "/site.css": Served(button_css(), "text/css")})


def serving(*buttons: str, styles: Styles) -> PageServer:
    return strict_server(*buttons) if styles == "classes" else PageServer({"/": Served(ad(*buttons))})


def names_of_links(visited: Visit) -> list[str]:
    """What Chromium tells a screen reader."""
    session = visited.page.context.new_cdp_session(visited.page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    return [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "link"]


@pytest.mark.parametrize("styles", ["inline", "classes"])
def test_both_forms_are_accessible_load_nothing_and_offend_no_policy(
    browser: Browser, styles: Styles
) -> None:
    buttons = [
        button_html(URL, styles=styles),
        button_html(URL, styles=styles, job_title='Koch "Süd" <m/w/d>'),
        button_html(URL, styles=styles, language="en", text="Start & chat"),
    ]
    with serving(*buttons, styles=styles) as server, visit(browser, server.url + "/") as visited:
        page = visited.page
        assert names_of_links(visited) == [
            "Jetzt einfach per WhatsApp bewerben",
            'Jetzt einfach per WhatsApp bewerben: Koch "Süd" <m/w/d>',
            "Start & chat",
        ]
        links = page.locator("a")
        assert [link.get_attribute("lang") for link in links.all()] == ["de", "de", "en"]
        assert {link.get_attribute("href") for link in links.all()} == {URL}
        assert links.first.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(10, 95, 68)"
        assert visited.complaints == []
        assert all(url.startswith(server.url) for url in visited.requests)
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
        found = Axe().run(page, options={**rules, "rules": {"target-size": {"enabled": True}}}).response
        assert found["violations"] == []
        assert {"color-contrast", "link-name", "target-size"} <= {rule["id"] for rule in found["passes"]}


@pytest.mark.parametrize("styles", ["inline", "classes"])
def test_who_uses_the_keyboard_sees_where_they_are(browser: Browser, styles: Styles) -> None:
    with (
        serving(button_html(URL, styles=styles), styles=styles) as server,
        visit(browser, server.url + "/") as visited,
    ):
        before = visited.page.screenshot()
        visited.page.keyboard.press("Tab")
        link = visited.page.locator("a:focus-visible")
        assert link.evaluate("e => getComputedStyle(e).outlineStyle") in ("auto", "solid")
        assert visited.page.screenshot() != before


HOUSE_STYLE = """<style>
  main a { color: rgb(1, 2, 3); background: rgb(4, 5, 6); display: inline; padding: 0; font: 8px serif }
  #content p > a:link, #content p > a:visited { color: rgb(1, 2, 3); text-decoration: underline }
  #content p a.whatsapp-apply:hover { color: rgb(1, 2, 3); background: rgb(4, 5, 6) }
  #content p a:focus { outline: none; color: rgb(1, 2, 3) }
  #content a span { color: rgb(1, 2, 3) }
  #content svg { width: 100%; fill: rgb(1, 2, 3) }
</style>"""


def test_the_stylesheet_wins_over_the_rules_of_the_page(browser: Browser) -> None:
    page = ad(button_html(URL, styles="classes"), style=f"<style>{button_css()}</style>{HOUSE_STYLE}")
    page = page.replace("<main>", "<main id=content>").replace("https://acme.pitchyou.de/go/", "/go/")
    with PageServer({"/": Served(page)}) as server, visit(browser, server.url + "/") as visited:
        link = visited.page.locator("a")

        def look() -> list[str]:
            looks: list[str] = link.evaluate(
                """e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor, getComputedStyle(e).display,
                getComputedStyle(e.querySelector('span')).color, getComputedStyle(e.querySelector('svg')).fill,
                getComputedStyle(e).fontSize]"""
            )
            return looks

        white = "rgb(255, 255, 255)"
        expected = [white, "rgb(10, 95, 68)", "inline-flex", white, "none", "16px"]
        assert look() == expected
        link.hover()
        assert look() == expected
        assert link.evaluate("e => getComputedStyle(e).textDecorationLine") == "underline"
        link.click()
        visited.page.go_back()
        assert look() == expected
        visited.page.keyboard.press("Tab")
        assert link.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        assert look() == expected
        # getComputedStyle hides the colour of visited links, so look at the picture.
        assert (1, 2, 3) not in colours_of(visited.page.locator("a").screenshot())


def colours_of(png: bytes) -> set[tuple[int, int, int]]:
    raw = Image.open(io.BytesIO(png)).convert("RGB").tobytes()
    return set(zip(raw[::3], raw[1::3], raw[2::3], strict=True))


@pytest.mark.parametrize("styles", ["inline", "classes"])
def test_it_stays_a_button_in_forced_colours_and_fits_a_narrow_screen(
    browser: Browser, styles: Styles
) -> None:
    long = button_html(URL, styles=styles, text="Bewerben " * 10 + "x" * 100)
    narrow = {"width": 320, "height": 640}
    with (
        serving(long, styles=styles) as server,
        visit(browser, server.url + "/", forced_colors="active", viewport=narrow) as visited,
    ):
        page = visited.page
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.locator("a").evaluate("e => getComputedStyle(e).borderTopColor") != "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("text", hostile.TEXTS.values(), ids=hostile.TEXTS)
def test_a_hostile_text_or_title_is_shown_and_does_nothing(browser: Browser, text: str) -> None:
    """On a page without any policy: it is the escaping that holds."""
    buttons = [
        button_html(URL, text=text, job_title=text),
        button_html(URL, text=text, job_title=text, styles="classes"),
    ]
    with PageServer({"/": Served(ad(*buttons))}) as server, visit(browser, server.url + "/") as visited:
        assert visited.dialogs == visited.complaints == []
        elements = visited.page.evaluate("Array.from(document.querySelectorAll('main *'), e => e.localName)")
        button = ["p", "a", "svg", "path", "path", "path", "span"]
        assert elements == ["h1", *button, *button]
        attributes = visited.page.evaluate("Array.from(document.querySelector('a').attributes, a => a.name)")
        assert attributes == ["href", "rel", "lang", "aria-label", "style"]
        shown = visited.page.locator("span").first.inner_text()
        assert shown == hostile.harmless(text)
        assert visited.page.locator("a").first.get_attribute("aria-label") == f"{shown}: {shown}"
