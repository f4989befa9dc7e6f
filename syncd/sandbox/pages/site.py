"""What a browser asks the sandbox for: interviews, chats and the widget's files. None of it takes a token."""

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
    """The path template of what is asked for, or None when no page is there. A token is never part of it."""
    if path.startswith(apply_link.PREFIX) and method in ("GET", "POST"):
        return apply_link.PREFIX + "{external_job_id}"
    if path.startswith(chat_page.PREFIX) and method in ("GET", "POST"):
        return chat_page.PREFIX + "{token}"
    return path if method == "GET" and (path in _WIDGET or path == interview.THANKS) else None


def answer(world: "World", call: "Call") -> Reply:
    """Answer one request that `route` knows."""
    if call.path in _WIDGET:
        return _widget(call.path)
    if call.path == interview.THANKS:
        return interview.thanks()
    if call.path.startswith(chat_page.PREFIX):
        return chat_page.answer(world, call)
    return interview.answer(world, call)


@cache
def _widget(path: str) -> Reply:
    """One of the widget's files; the pages of any ATS may load it, also those that isolate themselves."""
    body = resources.files("syncd.sandbox").joinpath("assets").joinpath(path.rpartition("/")[2]).read_bytes()
    shared = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Reply(200, body, _WIDGET[path], {**shared, "X-Content-Type-Options": "nosniff"})
