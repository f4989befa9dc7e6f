"""Serves browsers: interviews, chats and the files of the widget. None of it needs an access token."""

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from syncd.sandbox.api.replies import Reply
from syncd.sandbox.pages import apply_link, chat_page, interview

if TYPE_CHECKING:
    from syncd.sandbox.api.endpoints import Call, World

BODY_LIMIT = 64 * 1024  # bytes of a form

_WIDGET = {
    "/widget/chat.css": "text/css; charset=utf-8",
    "/widget/chat.js": "text/javascript; charset=utf-8",
}


def route(method: str, path: str) -> str | None:
    """Returns the path template of a page, never with a token, or None if there is no such page."""
    if path.startswith(apply_link.PREFIX) and method in ("GET", "POST"):
        return apply_link.PREFIX + "{external_job_id}"
    if path.startswith(chat_page.PREFIX) and method in ("GET", "POST"):
        return chat_page.PREFIX + "{token}"
    return path if method == "GET" and (path in _WIDGET or path == interview.THANKS) else None


def answer(world: "World", call: "Call") -> Reply:
    """Answers a request that `route` accepts."""
    if call.path in _WIDGET:
        return _widget(call.path)
    if call.path == interview.THANKS:
        return interview.thanks()
    if call.path.startswith(chat_page.PREFIX):
        return chat_page.answer(world, call)
    return interview.answer(world, call)


@cache
def _widget(path: str) -> Reply:
    """Returns a file of the widget. Pages of any ATS may load it, even cross-origin isolated ones."""
    body = resources.files("syncd.sandbox").joinpath("assets").joinpath(path.rpartition("/")[2]).read_bytes()
    shared = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Reply(200, body, _WIDGET[path], {**shared, "X-Content-Type-Options": "nosniff"})
