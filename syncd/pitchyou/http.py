"""HTTP as syncd needs it: one origin, no redirects, no proxies from the environment, and an end to everything.

This is the only module that imports httpx; `pace.py` beside it sees to it that slow answers end.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpcore
import httpx

from syncd import __version__
from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, BadAnswer
from syncd.pitchyou.pace import Pace, PacedBackend, paced


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes that end an exchange which would not end by itself."""

    connect: float = 10.0
    first_byte: float = 120.0  # a server may need long to gather years of applications
    between_chunks: float = 15.0
    rate_grace: float = 10.0  # seconds before the minimum rate counts
    minimum_rate: int = 1024  # bytes per second, averaged over the whole body


class Response:
    """An answer whose body has not been read yet. Valid only inside the `with` of `Http.send`."""

    def __init__(
        self, response: httpx.Response, deadline: Deadline, limits: Limits, read_ahead: int = 0
    ) -> None:
        self._response, self._deadline, self._limits = response, deadline, limits
        self._read_ahead = read_ahead  # bytes that came with the end of the headers, at most
        self.status = response.status_code

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        value: str = self._response.headers.get(name, "")
        return value

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int | None:
        """The announced length of the body in bytes, if it was announced."""
        value = self.header("content-length")
        return int(value) if value.isdigit() else None

    def chunks(self, size: int = 128 * 1024) -> Iterator[bytes]:
        """The body as it came over the wire, not decompressed.

        Raises:
            ApiUnavailable: the connection ended early or was slower than the minimum rate.
        """
        limits = self._limits
        pace = Pace(
            self._deadline,
            silence=limits.between_chunks,
            rate_grace=limits.rate_grace,
            minimum_rate=limits.minimum_rate,
            received=self._read_ahead,
        )
        with _translated(), paced(pace):
            yield from self._response.iter_raw(size)

    def read(self, max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            BadAnswer: it is longer than `max_bytes`.
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > max_bytes:
                raise BadAnswer(f"PitchYou's answer is longer than {max_bytes} bytes", status=self.status)
        return bytes(body)


class Http:
    """A pool of connections to one origin. Safe to share between threads.

    Args:
        base_url: scheme, host and optional path prefix, without a trailing slash; nothing else is ever contacted.
        pool_size: connections at most.
        ca_file: PEM file of a private CA, trusted in addition to the public ones.
        requests_per_second: requests are spaced to stay below it.
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
        self._base_url = base_url.rstrip("/")
        self._limits = limits or Limits()
        self._client = httpx.Client(
            transport=_Transport(pool_size, ca_file, self._limits.connect),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self._limits.first_byte, connect=self._limits.connect, pool=None),
            headers={"User-Agent": f"syncd/{__version__}", "Accept-Encoding": "identity"},
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
    ) -> Iterator[Response]:
        """Send one request and give its answer, whatever its status.

        Args:
            path: below base_url, already percent-encoded, starting with a slash.

        Raises:
            ApiUnavailable: no connection, or it broke, or a timeout.
            Stopped, DeadlineExceeded: see `Deadline`.
        """
        self._wait_for_slot(deadline)
        request = self._client.build_request(
            method, self._base_url + path, headers=dict(headers or {}), content=content
        )
        pace = Pace(deadline, silence=self._limits.first_byte, whole=self._limits.first_byte)
        with _translated(), paced(pace):
            response = self._client.send(request, stream=True)
        try:
            yield Response(response, deadline, self._limits, pace.newest)
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


@contextmanager
def _translated() -> Iterator[None]:
    # The text of an httpx error can hold a URL, so only its class is passed on.
    try:
        yield
    except (httpx.TransportError, httpcore.TimeoutException) as error:
        raise ApiUnavailable(
            f"no complete answer from PitchYou ({type(error).__name__}): check the network and base_url"
        ) from None


class _Transport(httpx.HTTPTransport):
    """httpx's transport on our connections; httpx offers no public way to pass a network backend on."""

    def __init__(self, pool_size: int, ca_file: Path | None, connect_timeout: float) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        if ca_file:
            context.load_verify_locations(ca_file)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=pool_size,
            max_keepalive_connections=pool_size,
            keepalive_expiry=30.0,
            network_backend=PacedBackend(),
        )
