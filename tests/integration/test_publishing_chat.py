"""The chat in a page of the ATS: the printed policy is enough for it, and it cannot lead the page elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from syncd.publishing.chat_embedding import iframe_csp, iframe_html, widget_csp, widget_html
from tests.browser import PageServer, Served, Visit, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame

HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>ATS</title>'
CHAT = f"""{HEAD}<p id=said></p><script>
  localStorage.setItem('kept', 'yes');
  document.getElementById('said').textContent = 'script ran, came from [' + document.referrer + ']';
  try {{ top.location = 'about:blank' }} catch (refused) {{ document.title = 'refused' }}
</script>"""
# One page, without the table of contents that browsers make themselves.
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj
trailer<</Root 1 0 R>>
"""
SENT = f"""{HEAD}<a id=link href=/cv.pdf target=_blank>CV</a>
<a id=same-window href=/cv.pdf target=cv>CV</a>
<a id=page href=/page target=page>page</a> <a id=file href=/cv.pdf download>save</a>"""
LEADS_AWAY = f"""{HEAD}<script>
  try {{ opener.top.location = 'about:blank' }} catch (refused) {{ }}
  document.title = 'ran';
</script>"""
WIDGET = """
  const place = document.querySelector('[data-chat-url]');
  const frame = document.createElement('iframe');
  frame.src = place.dataset.chatUrl;
  place.append(frame);
"""
TOKEN = "/t0ken?a=1&lt=2&quot;='x"  # entities where an unescaped attribute would swallow them


def header(line: str) -> dict[str, str]:
    """The header that an ATS would send, from the line as it is printed; what is not named in it is forbidden."""
    name, value = line.split(": ", 1)
    return {name: f"default-src 'none'; {value}"}


def test_the_iframe_works_under_the_printed_policy_and_keeps_the_page(browser: Browser) -> None:
    with PageServer({"/t0ken": Served(CHAT)}) as chat:
        url = chat.url + TOKEN
        page = HEAD + iframe_html(url, language="en")
        with (
            PageServer({"/applicant": Served(page, headers=header(iframe_csp(url)))}) as ats,
            visit(browser, ats.url + "/applicant") as visited,
        ):
            frame = visited.page.frames[1]
            assert frame.locator("#said").inner_text() == "script ran, came from []"
            assert frame.title() == "refused"
            assert visited.page.url == ats.url + "/applicant"
            assert visited.page.locator("iframe").get_attribute("title") == "Chat with the applicant"
            assert chat.asked == [TOKEN.replace("'", "%27")]
            (told,) = visited.complaints
            assert "'allow-top-navigation'" in told


@contextmanager
def chat_in_a_page(browser: Browser) -> Iterator[tuple[Visit, Frame]]:
    """The printed iframe in a page, with a chat in which an applicant has sent a PDF."""
    pages = {
        "/t0ken": Served(SENT),
        "/cv.pdf": Served(PDF, "application/pdf"),
        "/page": Served(LEADS_AWAY),
    }
    with PageServer(pages) as chat:
        url = chat.url + TOKEN
        page = Served(HEAD + iframe_html(url), headers=header(iframe_csp(url)))
        with PageServer({"/applicant": page}) as ats, visit(browser, ats.url + "/applicant") as visited:
            yield visited, visited.page.frames[1]
            assert visited.page.url == ats.url + "/applicant"


@pytest.mark.thorough
def test_a_pdf_that_the_applicant_sent_opens_from_the_iframe(pdf_browser: Browser) -> None:
    for way in ("link", "same-window"):
        with chat_in_a_page(pdf_browser) as (visited, chat):
            with visited.page.context.expect_page(timeout=10_000) as opened:
                chat.locator(f"#{way}").click()
            opened.value.wait_for_load_state("load")
            assert not opened.value.url.startswith("chrome-error:"), way
            assert opened.value.evaluate("document.contentType") == "application/pdf", way


def test_a_file_that_the_applicant_sent_can_be_saved_from_the_iframe(browser: Browser) -> None:
    with chat_in_a_page(browser) as (visited, chat):
        with visited.page.expect_download() as saved:
            chat.locator("#file").click()
        assert saved.value.path().read_bytes() == PDF


def test_a_page_that_opens_from_the_iframe_cannot_lead_the_surrounding_page_elsewhere(
    browser: Browser,
) -> None:
    with chat_in_a_page(browser) as (visited, chat):
        with visited.page.expect_popup() as opened:
            chat.locator("#page").click()
        opened.value.wait_for_load_state("load")
        assert opened.value.title() == "ran"


def test_the_widget_works_under_the_printed_policy(browser: Browser) -> None:
    delivered = {
        "/w.css": Served("[data-chat-url] { outline: 3px solid red }", "text/css"),
        "/w.js": Served(WIDGET, "text/javascript"),
    }
    with PageServer({"/t0ken": Served(CHAT)}) as chat, PageServer(delivered) as files:
        url, css, js = chat.url + TOKEN, files.url + "/w.css", files.url + "/w.js"
        page = HEAD + widget_html(url, css_url=css, js_url=js)
        policy = header(widget_csp(url, css_url=css, js_url=js))
        with PageServer({"/": Served(page, headers=policy)}) as ats, visit(browser, ats.url + "/") as visited:
            place = visited.page.locator("div")
            assert place.get_attribute("data-chat-url") == url
            assert place.evaluate("e => getComputedStyle(e).outlineWidth") == "3px"
            assert visited.page.frames[1].locator("#said").inner_text().startswith("script ran")
            assert not any("Content Security Policy" in each for each in visited.complaints)
