"""The chat in a page of the ATS: the printed policy is enough for it, and it cannot lead the page elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.publishing.chat_embedding import iframe_csp, iframe_html, widget_csp, widget_html
from tests.browser import PageServer, Served, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>ATS</title>'
CHAT = f"""{HEAD}<p id=said></p><script>
  localStorage.setItem('kept', 'yes');
  document.getElementById('said').textContent = 'script ran, came from [' + document.referrer + ']';
  try {{ top.location = 'about:blank' }} catch (refused) {{ document.title = 'refused' }}
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
