"""Turns a table of routes into a WSGI application."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from syncd.logs import get_logger

log = get_logger(__name__)

TEXT = "text/plain; charset=utf-8"

_ALWAYS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))

StartResponse = Callable[[str, list[tuple[str, str]]], object]
App = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `arguments` are the parts of the path that the route has names for; `environ` is WSGI's."""

    environ: Mapping[str, Any]
    arguments: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return a header's value, or an empty text."""
        return str(self.environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


@dataclass(frozen=True, slots=True)
class Response:
    """A response. Every one also gets `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`."""

    status: int
    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path and who answers. `{name}` in the path stands for one part of it: `/sync/{client}`.

    A route for GET answers HEAD as well. The server has two threads: a handler must not wait for long.
    """

    method: str
    path: str
    handler: Callable[[Request], Response]


def plain(status: int, sentence: str) -> Response:
    """Make a response of one line of text."""
    return Response(status, f"{sentence}\n".encode())


def app(routes: Sequence[Route], headers: tuple[tuple[str, str], ...] = ()) -> App:
    """Make the application. Each response gets these `headers` as well."""
    table = [(_pattern(route.path), route) for route in routes]

    def answer(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        response = _answered(table, environ)
        start(
            f"{response.status} {HTTPStatus(response.status).phrase}",
            [
                ("Content-Type", response.content_type),
                ("Content-Length", str(len(response.body))),
                *_ALWAYS,
                *headers,
                *response.headers,
            ],
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    return answer


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    )


def _answered(table: list[tuple[re.Pattern[str], Route]], environ: dict[str, Any]) -> Response:
    matches = [(route, found) for p, route in table if (found := p.fullmatch(environ["PATH_INFO"]))]
    if not matches:
        return plain(404, "There is nothing at this path.")
    method = environ["REQUEST_METHOD"]
    for route, found in matches:
        if route.method == method or (route.method == "GET" and method == "HEAD"):
            try:
                return route.handler(Request(environ, found.groupdict()))
            except Exception:
                log.exception("web_request_crashed")
                return plain(500, "This is a bug in syncd. Its log has more.")
    allowed = {name for route, _ in matches for name in _methods(route)}
    response = plain(405, "This path has no such method.")
    return Response(405, response.body, headers=(("Allow", ", ".join(sorted(allowed))),))


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" else (route.method,)
