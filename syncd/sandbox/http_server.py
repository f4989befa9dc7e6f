"""Serves HTTP/1.1 on a socket: reads requests, applies faults, writes answers and closes its connections."""

import re
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from syncd.sandbox.api import control
from syncd.sandbox.api.endpoints import Call, World, answer, media_key, route
from syncd.sandbox.api.replies import Cut, Reply, error_reply, instead, spoil
from syncd.sandbox.faults import AFTER_EFFECT, Fault, FaultBook
from syncd.sandbox.pages import site
from syncd.sandbox.pages.frame import refusal

_BLOCK = 65_536
# Bytes that are read and dropped of a body that is too long; after more than that the connection breaks.
_DISCARDED = 2**24


class SandboxServer(ThreadingHTTPServer):
    """Listens on `config.host`:`config.port`; `stop` closes every connection, even in the middle of an answer."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, world: World, faults: FaultBook) -> None:
        self.world, self.faults = world, faults
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__((world.config.host, world.config.port), SandboxHandler)

    def server_bind(self) -> None:
        """Binds without the reverse name lookup of http.server, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serves one connection in its own thread, and remembers it while it is open."""
        thread = threading.Thread(target=self._serve_connection, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def _serve_connection(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that disconnect in the middle of a request; prints every other error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stops listening, breaks every open connection and waits for its thread."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client has closed it already
        for thread in threads:
            thread.join(timeout=10)


class SandboxHandler(BaseHTTPRequestHandler):
    """Handles the requests of one connection."""

    server: SandboxServer
    protocol_version = "HTTP/1.1"
    server_version = "PitchYou-Sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 600

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server gives it
        """Logs a request if `log_requests` is set, but never the token of a chat. The ledger holds requests in any case."""
        if self.server.world.config.log_requests:
            super().log_message("%s", re.sub(r"/chat/[^ /?]+", "/chat/…", format % args))

    def do_GET(self) -> None:
        """Serves a request of any method."""
        parts = urlsplit(self.path)
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(error_reply(411, "the sandbox wants a Content-Length"))
            return
        length = self.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self._send(error_reply(400, "Content-Length is not a number"))
            return
        template = site.route(self.command, parts.path)
        if template and int(length) > site.BODY_LIMIT:
            self._refuse_body(int(length), template)
            return
        body = self.rfile.read(int(length))
        call = Call(self.command, parts.path, self.headers, body, parts.query)  # type: ignore[arg-type]  # a Message is read like a mapping
        if parts.path.startswith("/_sandbox/"):
            self._send(control.answer(self.server.world, self.server.faults, call))
            return
        if template:
            self._send_page(template, site.answer(self.server.world, call))
            return
        with self.server.world.ledger.running():
            self._serve(call)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names http.server calls

    def _refuse_body(self, length: int, template: str) -> None:
        self.close_connection = True
        # If the socket closed with unread bytes, the client would lose the answer.
        left = min(length, _DISCARDED)
        while left:
            left -= len(self.rfile.read(min(left, _BLOCK))) or left
        self._send_page(template, refusal(413, "Das ist zu lang für ein Formular."))

    def _send_page(self, template: str, reply: Reply) -> None:
        self.server.world.ledger.add_request(self.command, template, reply.status)
        self._send(reply)

    def _serve(self, call: Call) -> None:
        world = self.server.world
        found = route(call.method, call.path)
        if found is None:
            world.ledger.add_request(call.method, "unknown", 404)
            self._send(error_reply(404, f"the article knows no {call.method} {call.path}"))
            return
        name, template = found
        fault = self.server.faults.pick(name, call.path)
        reply = self._reply(name, call, fault)
        status = reply.status if reply else 0
        world.ledger.add_request(call.method, template, status)
        if name == "media":
            client = world.tokens.client_of(call.headers.get("Authorization"))
            endless = fault is not None and fault.kind in ("endless", "gzip_bomb")
            if client is not None:
                world.ledger.add_media_request(media_key(client, call.path), status, endless=endless)
        if reply:
            self._send(reply)

    def _reply(self, name: str, call: Call, fault: Fault | None) -> Reply | None:
        """Returns the answer to send, or None if the fault allows no answer; the connection then closes."""
        if fault is None:
            return answer(self.server.world, name, call)
        if fault.kind in AFTER_EFFECT:
            reply = answer(self.server.world, name, call)
            if fault.kind != "drop_after":
                return spoil(reply, fault, name) if reply.status == 200 else reply
        elif fault.kind == "hang":
            self._hang()
        elif fault.kind == "endless_headers":
            self._endless_headers(fault.seconds_per_byte)
        elif fault.kind != "drop_before":
            return instead(fault, name, f"http://localhost:{self.server.server_port}/_sandbox/stray")
        self.close_connection = True
        return None

    def _hang(self) -> None:
        self.connection.settimeout(0.2)
        while not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue

    def _endless_headers(self, delay: float) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            for byte in b"X-Filler: more and more\r\n":
                self.wfile.write(bytes([byte]))
                if self.server.stopping.wait(delay):
                    return

    def _send(self, reply: Reply) -> None:
        whole = isinstance(reply.body, bytes)
        length = len(reply.body) if isinstance(reply.body, bytes) else reply.length
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for key, value in reply.headers.items():
            self.send_header(key, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self._headers_buffer.append(b"\r\n")
        head = b"".join(self._headers_buffer)
        self._headers_buffer: list[bytes] = []
        try:
            if whole and not reply.seconds_per_byte:
                assert isinstance(reply.body, bytes)  # noqa: S101 - tells the type checker what `whole` means
                if reply.before_end:
                    reply.before_end(reply.body)
                self.wfile.write(head + reply.body)  # one write, so that a small answer is one packet
            else:
                self.wfile.write(head)
                self._send_pieces(reply, chunked=length is None)
        except Cut:
            self.close_connection = True

    def _send_pieces(self, reply: Reply, *, chunked: bool) -> None:
        delay = reply.seconds_per_byte
        pieces = iter([reply.body] if isinstance(reply.body, bytes) else reply.body)
        # The last block waits until the ledger has recorded that the answer is complete.
        waiting = b""
        try:
            for block in _blocks(pieces, 1 if delay else _BLOCK):
                self._write(waiting, delay, chunked=chunked)
                waiting = block
        except Cut:
            self._write(waiting, delay, chunked=chunked)
            raise
        if reply.before_end:
            reply.before_end(reply.body if isinstance(reply.body, bytes) else b"")
        self._write(waiting, delay, chunked=chunked)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, block: bytes, delay: float, *, chunked: bool) -> None:
        if not block:
            return  # an empty chunk would end the body
        if delay and self.server.stopping.wait(delay):
            raise Cut
        self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)


def _blocks(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Regroups bytes into blocks of `size`; also yields the bytes that came before a Cut."""
    buffer = bytearray()
    try:
        for piece in pieces:
            buffer += piece
            while len(buffer) >= size:
                yield bytes(buffer[:size])
                del buffer[:size]
    except Cut:
        if buffer:
            yield bytes(buffer)
        raise
    if buffer:
        yield bytes(buffer)
