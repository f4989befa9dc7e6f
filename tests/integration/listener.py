"""Answers with the exact bytes of a test, for answers that the sandbox cannot give."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self


@dataclass(frozen=True)
class Heard:
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Heard], Iterable[bytes]]


def reply(body: bytes = b"", *, status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    """Returns the bytes of an answer. `length` announces a different length than the body's; -1 announces none."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def unexpected(heard: Heard) -> Iterable[bytes]:
    """Returns the answer of a listener that must get no requests."""
    return [reply(status="500 Unexpected")]


class Listener:
    """Answers each connection once, or `answers` times, in its own thread.

    `heard` holds the requests in order.
    """

    def __init__(
        self, answer: Answer = unexpected, tls: ssl.SSLContext | None = None, *, answers: int = 1
    ) -> None:
        self._answer, self._tls, self._answers = answer, tls, answers
        self.heard: list[Heard] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._socket.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is already closed
        for thread in self._threads:
            thread.join()

    def requests(self, path: str) -> list[Heard]:
        """Returns the requests for one path."""
        return [each for each in self.heard if each.path == path]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:  # the client does not trust us
                connection.close()
                return
        with connection, connection.makefile("rb") as lines:
            try:
                for _ in range(self._answers):
                    if not (heard := _request(lines)):
                        return
                    self.heard.append(heard)
                    for piece in self._answer(heard):
                        connection.sendall(piece)
            except OSError:
                return  # the client has disconnected, as it should after too much data


def _request(lines: IO[bytes]) -> Heard | None:
    first = lines.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while line := lines.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Heard(first[0], first[1], headers, lines.read(int(headers.get("content-length", 0))))
