"""Asks the web server of a daemon on this machine. Imports little: `syncd health` must be quick."""

import socket
import time
from dataclasses import dataclass

from syncd.bind import reachable

SITE = "Syncd-Site"
"""The header of each response that names the installation: its database and its media root."""

_LARGEST = 65_536  # bytes of an answer that are read


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server has answered. `headers` has the names in lower case."""

    status: int
    headers: dict[str, str]
    text: str


def ask(bind: str, path: str, seconds: float) -> Answer | None:
    """Send a GET request to what listens at `bind`, and return the answer. None if it is not HTTP.

    Raises:
        OSError: nothing listens there, or there was no whole answer within `seconds`.
    """
    host, port = reachable(bind)
    ends_at = time.monotonic() + seconds
    received = b""
    with socket.create_connection((host, port), timeout=seconds) as connection:
        shown = f"[{host}]" if ":" in host else host
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {shown}:{port}\r\n\r\n".encode("ascii"))
        while len(received) < _LARGEST:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            piece = connection.recv(_LARGEST)
            if not piece:
                break
            received += piece
    return _parsed(received.decode("latin-1"))


def _parsed(received: str) -> Answer | None:
    head, _, body = received.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    protocol, _, rest = first.partition(" ")
    if not protocol.startswith("HTTP/1.") or not rest[:3].isdecimal():
        return None
    pairs = (line.partition(":") for line in lines)
    return Answer(int(rest[:3]), {name.lower(): value.strip() for name, _, value in pairs}, body)
