"""Sends httpx's requests with libcurl, to one origin, and ends every exchange by its own limits.

libcurl connects, speaks TLS and HTTP, and keeps connections. What syncd promises beyond that is decided here: nothing
is sent twice, a head is read strictly, and a response whose end cannot be known is refused. See ADR 17.
"""

import re
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import certifi
import httpx
import pycurl

from syncd.errors import ApiUnavailable
from syncd.pitchyou import failures

IDLE = 30.0  # seconds after which a connection is not used again
_DISCARDED = 64 * 1024  # bytes of a body nobody wants that are read to keep the connection
_MAX_HEAD = 64 * 1024
_TOGETHER = 4  # pieces of libcurl's, 16 KiB each, that are handed on together
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: [^\r\n\0]*)?\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\r\n")
_TARGET = re.compile(rb"[!-~]+")
_UNSENDABLE = re.compile(rb"[\0-\x1f\x7f]")

# libcurl's numbers that this version of pycurl has no names for.
_SUPPRESS_CONNECT_HEADERS, _QUICK_EXIT, _WEIRD_SERVER_REPLY, _TOO_LARGE = 265, 322, 8, 100
_EVENTS = (0, select.POLLIN, select.POLLOUT, select.POLLIN | select.POLLOUT)  # by libcurl's POLL_IN and so on
_TLS = (pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE)
_INVALID = (pycurl.E_UNSUPPORTED_PROTOCOL, _WEIRD_SERVER_REPLY, _TOO_LARGE)


class CurlTransport(httpx.BaseTransport):
    """A pool of libcurl handles, each with at most one connection. It follows nothing, and sends nothing twice.

    A request's extensions: `watch`, a `Watch`; `target`, the bytes behind the method; `before_send`, called at the last
    moment; `on_head`, which gets the response before its body and returns what takes the body, or None to discard it.
    What they raise ends the exchange and is raised. `proxy` is a URL or empty, `credentials` are its `user:password`.
    """

    def __init__(self, *, size: int, ca_file: Path | None, proxy: str, credentials: str) -> None:
        authorities = [Path(certifi.where()), *([ca_file] if ca_file else [])]
        self._for_lines = b"\n".join(file.read_bytes() for file in authorities), proxy, credentials
        # One thread at a time is in libcurl and its callbacks: sixteen that fight for the interpreter need twice the CPU.
        self._free, self._turn = threading.Semaphore(size), threading.Lock()
        self._idle, self._closed = deque[_Line](), False  # the one used last is at the right

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return its response after the body was handed on, or raise `ApiUnavailable`."""
        while not self._free.acquire(timeout=1.0):
            request.extensions["watch"].deadline.check()
        try:
            line = self._take()
            try:
                return _Exchange(line, request).perform()
            finally:
                with self._turn:
                    line.close() if self._closed else self._idle.append(line)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close all connections, those in use after their exchange."""
        with self._turn:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> "_Line":
        long_ago = time.monotonic() - IDLE
        with self._turn:
            while self._idle and self._idle[0].used_at < long_ago:
                self._idle.popleft().close()
            try:
                line = self._idle.pop() if self._idle else _Line(self._turn, *self._for_lines)
            except pycurl.error:
                raise failures.not_started() from None
        line.socket = -1 if line.is_dropped() else line.socket
        line.handle.setopt(pycurl.FRESH_CONNECT, int(line.socket < 0))
        return line


class _Line:
    """A libcurl handle and the one connection that it may keep. libcurl says what to wait for; the waiting is ours.

    So a stop is noticed within a second also while it connects, and no number of open files is too high.
    """

    def __init__(self, turn: threading.Lock, authorities: bytes, proxy: str, credentials: str) -> None:
        self.handle, self._multi, self.turn, self.proxy = pycurl.Curl(), pycurl.CurlMulti(), turn, proxy
        self._poll, self._timer_at = select.poll(), 0.0
        self.socket, self.used_at = -1, 0.0  # -1: there is no connection that was kept
        self._multi.setopt(pycurl.M_MAXCONNECTS, 1)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        options = {
            pycurl.NOSIGNAL: 1,
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.HTTP09_ALLOWED: 0,
            pycurl.BUFFERSIZE: 128 * 1024,
            _QUICK_EXIT: 1,  # a stop does not wait for a name server
            _SUPPRESS_CONNECT_HEADERS: 1,
            pycurl.CAINFO_BLOB: authorities,
            pycurl.PROXY_CAINFO_BLOB: authorities,
            pycurl.PROXY: proxy,  # an empty text keeps libcurl from asking the environment
            pycurl.NOPROXY: "",
            **({pycurl.PROXYUSERPWD: credentials} if credentials else {}),
        }
        for option, value in options.items():
            self.handle.setopt(option, value)

    def perform(self, check: Callable[[], object]) -> int | None:
        """Run the exchange, calling `check` at least once a second; return libcurl's code for what failed, or None."""
        kept = -1
        self._multi.add_handle(self.handle)
        try:
            running = self._go_on(pycurl.SOCKET_TIMEOUT)
            while running:
                check()
                left = max(0.0, min(1.0, self._timer_at - time.monotonic()))
                for descriptor, _ in self._poll.poll(left * 1000) or ((pycurl.SOCKET_TIMEOUT, 0),):
                    running = self._go_on(descriptor)
            failed = self._multi.info_read()[2]
            kept = self.handle.getinfo(pycurl.ACTIVESOCKET)
            return failed[0][1] if failed else None
        finally:
            self._multi.remove_handle(self.handle)
            self.socket, self.used_at = kept, time.monotonic()

    def _go_on(self, descriptor: int) -> int:
        with self.turn:
            return int(self._multi.socket_action(descriptor, 0)[1])

    @contextmanager
    def others_go_on(self) -> Iterator[None]:
        """Give up this thread's turn for work that takes its time, such as asking the database or writing to disk."""
        self.turn.release()
        try:
            yield
        finally:
            self.turn.acquire()

    def is_dropped(self) -> bool:
        """Tell whether something came while no request was open: as a rule the server's goodbye."""
        poll = select.poll()
        if self.socket >= 0:
            poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close the connection."""
        self.handle.close()
        self._multi.close()

    def _on_socket(self, what: int, descriptor: int, *_: object) -> None:
        if what != pycurl.POLL_REMOVE:
            self._poll.register(descriptor, _EVENTS[what])
        else:
            with suppress(KeyError):
                self._poll.unregister(descriptor)

    def _on_timer(self, milliseconds: int) -> None:
        self._timer_at = float("inf") if milliseconds < 0 else time.monotonic() + milliseconds / 1000


class _Exchange:
    """One request and its response. libcurl calls the methods that begin with `_on`; `perform` raises what they raise."""

    def __init__(self, line: _Line, request: httpx.Request) -> None:
        asked, self._line = request.extensions, line
        self._watch, self._before_send, self._on_head = asked["watch"], asked["before_send"], asked["on_head"]
        self._tls = request.url.scheme == "https"
        self._failure: BaseException | None = None
        self._response: httpx.Response | None = None  # None until its head is complete
        self._write: Callable[[bytes], object] | None = None
        self._pending = list[bytes]()
        self._sent, self._received, self._head_size = False, 0, 0
        self._status, self._fields = 0, list[tuple[bytes, bytes]]()
        fields, target = [b"%b: %b" % field for field in request.headers.raw], asked["target"]
        if not _TARGET.fullmatch(target) or any(map(_UNSENDABLE.search, fields)):
            raise ApiUnavailable("a request holds characters that cannot be sent", kind="invalid")
        if line.proxy and not self._tls:
            target = b"%b://%b%b" % (request.url.raw_scheme, request.url.netloc, target)
        body = {pycurl.POST: 1, pycurl.POSTFIELDS: request.read()} if request.method == "POST" else {}
        options = {
            **(body or {pycurl.HTTPGET: 1}),
            pycurl.URL: f"{request.url.scheme}://{request.url.netloc.decode('ascii')}/",
            pycurl.REQUEST_TARGET: target.decode("ascii"),
            pycurl.HTTPHEADER: [*fields, b"Expect:"],
            pycurl.CONNECTTIMEOUT_MS: max(1, int(self._watch.limits.connect * 1000)),
            pycurl.PREREQFUNCTION: self._guarded(self._on_send, pycurl.PREREQFUNC_ABORT),
            pycurl.HEADERFUNCTION: self._guarded(self._on_line, -1),
            pycurl.WRITEFUNCTION: self._guarded(self._on_body, -1),
        }
        for option, value in options.items():
            line.handle.setopt(option, value)

    def perform(self) -> httpx.Response:
        try:
            code = self._line.perform(
                lambda: self._watch.check(self._received, headed=self._response is not None)
            )
        except ApiUnavailable as error:
            self._failure, code = error, 0
        # A body that nobody wants may end as it likes.
        if code is not None and (
            self._write or not self._response or not isinstance(self._failure, ApiUnavailable | None)
        ):
            raise self._failure or self._unavailable(code)
        if not self._response:
            raise failures.truncated()
        self._hand_on()
        return self._response

    def _guarded(self, call: Callable[..., Any], otherwise: int) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> Any:
            try:
                return call(*arguments)
            except BaseException as error:
                self._failure = self._failure or error
                return otherwise

        return guarded

    def _on_send(self, *_: object) -> int:
        if self._sent:  # libcurl repeats a request that brought nothing on a connection that it had kept
            raise failures.dropped()
        self._sent = True
        with self._line.others_go_on():
            self._before_send()
        if self._line.is_dropped():  # what came meanwhile would pass for the response to this request
            raise failures.dropped()
        return int(pycurl.PREREQFUNC_OK)

    def _on_line(self, line: bytes) -> None:
        if self._response:
            return  # behind the chunks
        self._head_size += len(line)
        if status := _STATUS.fullmatch(line):
            self._status, self._fields = int(status[1]), []
        elif line == b"\r\n" and self._status:
            if self._status >= 200:
                self._end_head()
        elif self._status and self._head_size < _MAX_HEAD and (field := _FIELD.fullmatch(line)):
            self._fields.append((field[1], field[2]))
        else:
            raise failures.invalid("a line of its head is not a header")

    def _end_head(self) -> None:
        lengths = [value for name, value in self._fields if name.lower() == b"content-length"]
        codings = [value.lower() for name, value in self._fields if name.lower() == b"transfer-encoding"]
        if codings and (lengths or codings != [b"chunked"]):
            raise failures.invalid("it has a Transfer-Encoding that was not asked for")
        if len(lengths) > 1 or not all(length.isdigit() and len(length) < 16 for length in lengths):
            raise failures.invalid("its Content-Length is not one number")
        if self._tls and not lengths and not codings and 200 <= self._status < 300 and self._status != 204:
            raise failures.endless()
        response = httpx.Response(self._status, headers=self._fields, stream=httpx.ByteStream(b""))
        self._write = self._on_head(response)
        self._response = response

    def _on_body(self, data: bytes) -> None:
        self._received += len(data)
        if self._write:
            self._pending.append(data)
            if len(self._pending) == _TOGETHER:
                with self._line.others_go_on():
                    self._hand_on()
        elif self._response and self._received > _DISCARDED:
            raise failures.invalid("it goes on")

    def _hand_on(self) -> None:
        pieces, self._pending = self._pending, []
        if self._write and pieces:
            self._write(b"".join(pieces))

    def _unavailable(self, code: int) -> ApiUnavailable:
        if code in _TLS:
            return failures.untrusted()
        if code in _INVALID:
            return failures.invalid("it is not HTTP/1.x")
        if self._sent:
            return failures.truncated() if self._response else failures.dropped()
        if self._line.proxy and (status := self._line.handle.getinfo(pycurl.HTTP_CONNECTCODE)) >= 300:
            return failures.proxy_refused(status)
        return failures.unreachable(timed_out=code == pycurl.E_OPERATION_TIMEDOUT)
