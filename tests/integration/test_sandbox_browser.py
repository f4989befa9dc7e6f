"""The sandbox's pages in a real Chromium: an interview filled in by hand, a chat in a frame, nobody left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.browser import PageServer, Served, visit
from tests.integration.sandbox_calls import calling
from tests.integration.sandbox_hostile import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from syncd.sandbox import Sandbox

REFERENCE = "Ä/ö? #1%+ 🚲"


def apply_link(sandbox: Sandbox, title: str) -> str:
    """The apply link as a job ad carries it, but for its host, which is the client's at the sandbox."""
    optional = {"jkey": "azubi", "title": title, "utm_source": REFERENCE}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in optional.items())
    return f"{sandbox.apply_url()}/go/{quote(REFERENCE, safe='')}?{query}"


def violations(page: Page) -> Any:
    """What axe-core has against the page."""
    from axe_playwright_python.sync_playwright import (
        Axe,
    )  # here, so that other tests do not wait for the import

    response = Axe().run(page, options={"resultTypes": ["violations"]}).response
    assert response["passes"]  # axe did look at something
    return response["violations"]


def test_an_interview_filled_in_by_hand_becomes_a_profile_with_the_reference_unchanged(
    browser: Browser,
) -> None:
    with calling(profiles=0) as (sandbox, _), visit(browser, apply_link(sandbox, "Köch:in")) as visited:
        page = visited.page
        assert "Du bewirbst dich als Köch:in – stimmt das?" in page.inner_text("form")
        assert violations(page) == []
        page.get_by_label("Ja, das stimmt").check()
        page.get_by_label("Wie heißt du mit Vornamen?").fill("Ayşe")
        page.get_by_label("Und mit Nachnamen?").fill("Groß")
        page.get_by_label("Lebenslauf mitschicken").check()
        page.get_by_role("button", name="Bewerbung abschicken").click()
        page.wait_for_url("**/danke")
        assert violations(page) == []
        assert "Ayşe" not in page.content()
        (profile,) = sandbox.expected()
        assert (profile["externalReferenceId"], profile["utmSource"]) == (REFERENCE, REFERENCE)
        assert (profile["firstName"], profile["lastName"], profile["jobTemplateKey"]) == (
            "Ayşe",
            "Groß",
            "azubi",
        )
        assert sandbox.media_bytes(None, profile["profileId"], profile["cv"]["mediaId"])
        assert visited.complaints == []


def test_a_chat_in_the_widget_of_another_site_sends_a_message(browser: Browser) -> None:
    with calling(profiles=0) as (sandbox, calls):
        profile = sandbox.apply("http://acme.x/go/1", first_name="Ayşe")
        chat = f"{sandbox.url}/chat/{calls.chat_token(profile['profileId'], 'Frau Jäger')}"
        site = Served(
            f'<!doctype html><html lang="de"><title>ATS</title><link rel="stylesheet" href="{sandbox.url}/widget/chat.css"'
            f' crossorigin><main><h1>ATS</h1><div id="good" data-chat-url="{chat}"></div>'
            '<div id="bad" data-chat-url="javascript:alert(1)"></div><div data-chat-url=""></div></main>'
            f'<script src="{sandbox.url}/widget/chat.js" crossorigin defer></script>',
            headers={
                "Content-Security-Policy": f"default-src 'none'; style-src {sandbox.url}; script-src {sandbox.url};"
                f" frame-src {sandbox.url}"
            },
        )
        with PageServer({"/": site}) as server, visit(browser, server.url + "/") as visited:
            assert visited.page.locator("iframe").count() == 1
            frame = visited.page.frame_locator("#good > iframe")
            frame.get_by_label("Deine Nachricht").fill("Passt Montag?")
            frame.get_by_role("button", name="Senden").click()
            frame.locator("li", has_text="Passt Montag?").wait_for()
            assert "Frau Jäger schreibt an Ayşe." in frame.locator("main").inner_text()
            assert [message.text for message in sandbox.ledger.messages] == ["Passt Montag?"]
            assert (visited.complaints, visited.dialogs) == ([], [])
            visited.page.goto(chat)
            assert violations(visited.page) == []


def test_hostile_texts_run_nothing_and_fit_on_a_phone(browser: Browser) -> None:
    text = " ".join(HOSTILE.values())
    with calling(profiles=0) as (sandbox, calls):
        profile = sandbox.apply("http://acme.x/go/1", first_name=text)
        token = calls.chat_token(profile["profileId"], text)
        calls.http.post(f"/chat/{token}", data={"message": text})
        for address in (apply_link(sandbox, text), f"{sandbox.url}/chat/{token}"):
            with visit(browser, address, viewport={"width": 320, "height": 600}) as visited:
                assert (visited.dialogs, visited.complaints) == ([], [])
                assert visited.page.locator("script, img, svg, iframe, object").count() == 0
                assert visited.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                assert visited.page.title().endswith("PitchYou-Sandbox")
