"""Runs a real Chromium for the tests, and a server on loopback that serves pages with the headers of a test."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Playwright

# The headless shell is Chromium without a window, which takes half of the CPU time. It shows no PDFs.
SHELLS = ("chromium-headless-shell",)
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # tests run as root in containers, where Chromium's own sandbox cannot start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No request leaves this machine, since outside names do not resolve.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
]


@contextmanager
def chromium(playwright: Playwright, *, shows_pdfs: bool = False) -> Iterator[Browser]:
    """Starts a headless Chromium. On a machine without one, skips the test, or fails it if REQUIRE_BROWSER=1 is set."""
    names = NAMES if shows_pdfs else (*SHELLS, *NAMES)
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        missing = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, headless=True)
    try:
        yield browser
    finally:
        browser.close()


@dataclass(frozen=True)
class Served:
    """The answer to a path."""

    body: str | bytes
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class PageServer:
    """Serves the `pages` by path, and 404 for every other path. `asked` holds the requested paths in order.

    Also serves an icon, which browsers always request and whose absence they would report.
    """

    def __init__(self, pages: Mapping[str, Served] | None = None) -> None:
        self.pages = {"/favicon.ico": Served(b"", "image/x-icon"), **(pages or {})}
        self.asked: list[str] = []

    def __enter__(self) -> PageServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages, asked = self.pages, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                page = pages.get(urlsplit(self.path).path)
                body = page.body if page else b""
                content = body.encode() if isinstance(body, str) else body
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", page.content_type if page else "text/plain")
                self.send_header("Content-Length", str(len(content)))
                for name, value in (page.headers if page else {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name of the base class
                """Logs nothing, since `asked` holds the requests."""

        return Handler


@dataclass(frozen=True)
class Visit:
    """An open page and its events: console errors and warnings (including refusals by a CSP), dialogs, requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def visit(browser: Browser, url: str, **context: Any) -> Iterator[Visit]:
    """Opens `url` in a new context (`context` holds arguments of Browser.new_context) and records its events."""
    with browser.new_context(**context) as own:
        visited = Visit(own.new_page())
        page = visited.page

        def complain(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                visited.complaints.append(message.text)

        def dismiss(dialog: Dialog) -> None:
            visited.dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("console", complain)
        page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        page.on("dialog", dismiss)
        page.on("request", lambda request: visited.requests.append(request.url))
        page.goto(url, wait_until="load")
        yield visited
