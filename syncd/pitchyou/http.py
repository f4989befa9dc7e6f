"""HTTP as syncd needs it: one origin, no redirects, no proxies from the environment, and an end to everything.

This is the only module that imports httpx. Below httpx are our own connections (`connections.py`), which read answers
(`answers.py`) at a pace (`pace.py`): see docs/adr/0013-http-client-below-httpx.md.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from syncd import __version__
from syncd.deadline import Deadline
from syncd.errors import ConfigurationError
from syncd.pitchyou.answers import Answer, request_bytes
from syncd.pitchyou.connections import Connection, Pool
from syncd.pitchyou.pace import Pace
from syncd.pitchyou.responses import FAILURES, Limits, Response, unavailable

__all__ = ["Http", "Limits", "Response"]

_HEADERS = {
    "User-Agent": f"syncd/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "keep-alive",
}


class Http:
    """A pool of connections to one origin. Safe to share between threads.

    Args:
        base_url: scheme, host and optional path prefix, without a trailing slash; nothing else is ever contacted.
        pool_size: connections at most.
        ca_file: PEM file of a private CA, trusted in addition to the public ones.
        requests_per_second: requests are spaced to stay below it.

    Raises:
        ConfigurationError: `base_url` is none.
    """

    def __init__(
        self,
        base_url: str,
        *,
        pool_size: int = 18,
        ca_file: Path | None = None,
        requests_per_second: float | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._origin = httpx.URL(base_url)
        self._prefix = self._origin.raw_path.rstrip(b"/")
        self._limits = limits or Limits()
        self._client = _Client(
            transport=_Transport(self._origin, pool_size, ca_file),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self._limits.first_byte, connect=self._limits.connect, pool=None),
        )
        self._spacing = 1 / requests_per_second if requests_per_second else 0.0
        self._next_slot = 0.0
        self._lock = threading.Lock()
        self.calls = 0
        self.retries = 0

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def count_retry(self) -> None:
        """Called whenever a request is about to be sent again."""
        with self._lock:
            self.retries += 1

    @contextmanager
    def send(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        before_send: Callable[[], object] = lambda: None,
    ) -> Iterator[Response]:
        """Send one request and give its answer, whatever its status.

        Args:
            path: below base_url, already percent-encoded, starting with a slash.
            before_send: called at the last moment, when there is a connection; what it raises leaves the request unsent.

        Raises:
            ApiUnavailable: no connection, or it broke, or a timeout.
            Stopped, DeadlineExceeded: see `Deadline`.
        """
        self._wait_for_slot(deadline)
        pace = Pace(deadline, silence=self._limits.first_byte, whole=self._limits.first_byte)
        request = httpx.Request(
            method,
            self._origin,
            headers={**_HEADERS, **(headers or {})},
            content=content,
            extensions={
                "pace": pace,
                "target": self._prefix + path.encode("ascii"),
                "before_send": before_send,
            },
        )
        try:
            response = self._client.send(request, stream=True)
        except (*FAILURES, httpx.TransportError) as error:
            raise unavailable(error) from None
        try:
            yield Response(response.extensions["answer"], deadline, self._limits)
        finally:
            response.close()

    def _wait_for_slot(self, deadline: Deadline) -> None:
        with self._lock:
            self.calls += 1
            now = time.monotonic()
            slot = max(now, self._next_slot)
            self._next_slot = slot + self._spacing
        if slot > now:
            deadline.sleep(slot - now)


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class _Client(httpx.Client):
    """httpx's client without a jar: the API has no cookies, and to look for them is half of what `send` costs."""

    cookies = _NoCookies()  # type: ignore[override]  # nobody sets it


class _Transport(httpx.BaseTransport):
    """What httpx sends requests with: connections to one origin. It sends nothing twice.

    Errors are those of `Pool.take`, `Connection` and `Answer`; httpx passes them on as they are.
    """

    def __init__(self, url: httpx.URL, pool_size: int, ca_file: Path | None) -> None:
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigurationError(["base_url must be http:// or https:// and a host"])
        context = None
        if url.scheme == "https":
            context = httpx.create_ssl_context(trust_env=False)
            if ca_file:
                context.load_verify_locations(ca_file)
        port = url.port or (443 if context else 80)
        self._pool = Pool(url.raw_host.decode("ascii"), port, context, size=pool_size)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give its answer, whose body is still to be read: `extensions["answer"]` reads it."""
        asked = request.extensions  # as httpx documents them, and our own
        pace: Pace = asked["pace"]
        wire = request_bytes(request.method, asked["target"], request.headers.raw, request.read())
        connection = self._pool.take(pace, asked["timeout"]["connect"])
        try:
            asked["before_send"]()
            # Whoever hangs up on a long request may have answered before.
            with suppress(ConnectionError, ssl.SSLError):
                connection.send(wire, pace)
            answer = Answer(connection, pace)
        except BaseException:
            self._pool.put(connection, reusable=False)
            raise
        stream = _Body(answer, connection, self._pool)
        return httpx.Response(
            answer.status, headers=answer.fields, stream=stream, extensions={"answer": answer}
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """Tells httpx that there is a body; it is read by way of its `Answer`, past the layers that httpx would put on it."""

    def __init__(self, answer: Answer, connection: Connection, pool: Pool) -> None:
        self._answer, self._connection, self._pool = answer, connection, pool

    def close(self) -> None:
        """Give the connection back, to be used again if the body was read to its end."""
        self._pool.put(self._connection, reusable=self._answer.reusable)
