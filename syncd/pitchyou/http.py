"""Sends HTTP requests to one origin: no redirects, no settings from the environment, and a limit for every exchange.

Bodies are pushed: each piece goes to a sink as soon as it is received. Below httpx is libcurl (`curl_transport.py`).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from syncd import __version__
from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, BadAnswer, ConfigurationError
from syncd.pitchyou.content_coding import Decoder
from syncd.pitchyou.curl_transport import CurlTransport
from syncd.pitchyou.failures import retry_reason
from syncd.pitchyou.limits import Limits, Watch

__all__ = ["Gathered", "Http", "Limits", "Proxy", "Response", "Sink", "server_of"]

_HEADERS = {
    "User-Agent": f"syncd/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "keep-alive",
}


def server_of(base_url: str) -> str:
    """Return the one spelling of a server's address: in lower case, without a default port and a slash at the end."""
    return str(httpx.URL(base_url)).rstrip("/")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `credentials` are `user:password`; nobody but the proxy sees them."""

    url: str
    credentials: str | None = field(default=None, repr=False)


class Response:
    """The head of a response."""

    def __init__(self, head: httpx.Response) -> None:
        self.status = head.status_code
        self._values: dict[bytes, bytes] = {}
        for name, value in head.headers.raw:
            name = name.lower()
            self._values[name] = b"%b, %b" % (self._values[name], value) if name in self._values else value

    def header(self, name: str) -> str:
        """Return a header's value (its name in lower case), several joined by commas, or an empty string."""
        return self._values.get(name.encode("ascii"), b"").decode("latin-1")

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()


class Sink(Protocol):
    """Takes the body of a 2xx response. An exception from it ends the exchange."""

    def begin(self, length: int | None) -> None:
        """Start a body of `length` bytes, or of unknown length. Discard what an earlier attempt wrote.

        Called again with 0 if the body of unknown length turns out to be complete and empty.
        """

    def write(self, data: bytes) -> None:
        """Take the next bytes of the body."""


class Gathered:
    """A sink that keeps a short body in memory."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.received = bytearray()

    def begin(self, length: int | None) -> None:
        """Start with an empty body."""
        self.received = bytearray()

    def write(self, data: bytes) -> None:
        """Add to the body.

        Raises:
            BadAnswer: it is longer than `max_bytes`.
        """
        self.received += data
        if len(self.received) > self._max_bytes:
            raise BadAnswer(f"PitchYou's response is longer than {self._max_bytes} bytes")


class Http:
    """A pool of connections to one origin. Safe to share between threads.

    Args:
        base_url: scheme, host and optional path prefix, without a trailing slash; nothing else is ever contacted.
        pool_size: maximum number of connections.
        ca_file: PEM file of a private CA, trusted in addition to the public ones.
        requests_per_second: requests are spaced to stay below this rate.

    Raises:
        ConfigurationError: `base_url` is not a URL of http or https.
    """

    def __init__(
        self,
        base_url: str,
        *,
        pool_size: int = 18,
        ca_file: Path | None = None,
        proxy: Proxy | None = None,
        requests_per_second: float | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._origin = httpx.URL(base_url)
        if self._origin.scheme not in ("http", "https") or not self._origin.host:
            raise ConfigurationError(["base_url must be http:// or https:// and a host"])
        self._prefix = self._origin.raw_path.rstrip(b"/")
        self._limits = limits or Limits()
        transport = CurlTransport(
            size=pool_size,
            ca_file=ca_file,
            proxy=proxy.url if proxy else "",
            credentials=(proxy.credentials if proxy else None) or "",
        )
        self._client = _Client(transport=transport, follow_redirects=False, trust_env=False)
        self._spacing = 1 / requests_per_second if requests_per_second else 0.0
        self._next_slot = 0.0
        self._lock = threading.Lock()
        self.calls = 0
        self._retries = Counter[str]()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def count_retry(self, error: ApiUnavailable) -> None:
        """Count a request that is about to be sent again because of this error."""
        with self._lock:
            self._retries[retry_reason(error)] += 1

    @property
    def retries_by_reason(self) -> Counter[str]:
        """How often requests were sent again since this object was created, by a reason of `RETRY_REASONS`."""
        with self._lock:
            return self._retries.copy()

    def send(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        before_send: Callable[[], object] = lambda: None,
        accept: Callable[[Response], object] = lambda response: None,
        sink: Sink | None = None,
    ) -> Response:
        """Send one request and return its response, whatever its status, after its body has gone to `sink`.

        Args:
            path: below base_url, already percent-encoded, starting with a slash.
            before_send: called at the last moment, when there is a connection.
            accept: called with a 2xx response before its body comes.
            sink: takes the body of a 2xx response, decoded; without one the body is discarded, whole or not.

        Raises:
            ApiUnavailable: no complete response; `kind` says why.
            Stopped, DeadlineExceeded: see `Deadline`.
            Exception: what `before_send`, `accept` or `sink` raised.
        """
        self._wait_for_slot(deadline)
        decoder: Decoder | None = None
        is_empty = True

        def on_head(head: httpx.Response) -> Callable[[bytes], object] | None:
            nonlocal decoder
            if not 200 <= head.status_code < 300:
                return None
            response = Response(head)
            accept(response)
            if sink is None:
                return None
            coding, length = response.header("content-encoding"), response.header("content-length")
            decoder = Decoder(coding, take)
            sink.begin(int(length) if length and decoder.is_identity else None)
            return decoder.write

        def take(data: bytes) -> None:
            nonlocal is_empty
            is_empty = is_empty and not data
            sink.write(data) if sink else None

        request = httpx.Request(
            method,
            self._origin,
            headers={**_HEADERS, **(headers or {})},
            content=content,
            extensions={
                "watch": Watch(deadline, self._limits),
                "target": self._prefix + path.encode("ascii"),
                "before_send": before_send,
                "on_head": on_head,
            },
        )
        response = Response(self._client.send(request, stream=True))
        if decoder and sink:
            decoder.finish()
            # The last chunk, or the end of the compressed data, is as certain as a length.
            if is_empty and (response.header("transfer-encoding") or not decoder.is_identity):
                sink.begin(0)
        return response

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
    """An httpx client without a cookie jar. The API sets no cookies, and looking for them is half the cost of `send`."""

    cookies = _NoCookies()  # type: ignore[override]  # nobody sets it
