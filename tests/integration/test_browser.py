"""The browser of the tests sees what a page does: scripts, refusals by a policy, requests; and nothing leaves the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser import PageServer, Served, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LOUD = (
    "<!doctype html><title>t</title><script>console.error('seen'); alert('heard')</script>"
    "<img src='http://outside.example/x.png'>"
)


def test_what_a_page_does_is_seen(browser: Browser) -> None:
    with PageServer({"/": Served(LOUD)}) as server, visit(browser, server.url + "/") as visited:
        assert visited.page.title() == "t"
        assert visited.dialogs == ["heard"]
        assert "seen" in visited.complaints
        assert any("ERR_NAME_NOT_RESOLVED" in each for each in visited.complaints)
        assert "http://outside.example/x.png" in visited.requests


def test_what_a_policy_refuses_is_seen(browser: Browser) -> None:
    strict = {"Content-Security-Policy": "default-src 'none'"}
    with (
        PageServer({"/": Served(LOUD, headers=strict)}) as server,
        visit(browser, server.url + "/") as visited,
    ):
        assert visited.dialogs == []
        assert len(visited.complaints) == 2
        assert all("Content Security Policy" in each for each in visited.complaints)
