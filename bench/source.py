"""The benchmark's own PitchYou: serves prepared files, so that it is never the bottleneck.

It checks nothing and injects nothing; `syncd sandbox` is the one for that. It writes down when profiles became visible
and when they were confirmed, and prints one line of JSON when it listens.
"""

import argparse
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from bench import profiles

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
_JSON, _BYTES = b"application/json", b"application/octet-stream"
_PIECE = 64 * 1024 * 1024


class Source:
    """What is listed, and what is known of it.

    Args:
        folder: where the list and the media bytes lie ready; made when they are not there.
        visible: how many of the profiles are listed at first; more by `POST /bench/show`.
    """

    def __init__(
        self, folder: Path, listed: range, *, changed: bool, files: int | None, file_size: int, visible: int
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.media = _ready(folder / f"media-{file_size}", lambda: [os.urandom(file_size)])
        self.file_size = file_size
        kind = f"{'changed' if changed else 'first'}-{'all' if files is None else files}"
        elements = partial(profiles.profiles, listed, changed=changed, files=files)
        self.list = _ready(folder / f"list-{listed.start}-{len(listed)}-{kind}", lambda: _array(elements()))
        self.bounds: list[tuple[int, int]] = []
        self.numbers: dict[str, int] = {}
        if len(listed) <= 10_000:  # larger lists are always given whole
            end = 1
            for place, element in enumerate(elements()):
                self.bounds.append((end, end + len(element)))
                self.numbers[profiles.identifier(listed[place])] = place
                end += len(element) + 1
        self.open = set(range(min(visible, len(listed))))
        self.whole = visible >= len(listed)
        self.confirmed = 0
        self.times: dict[int, list[float]] = {}
        self.lock = threading.Condition()

    def show(self, number: int) -> None:
        """List one more profile, from now on."""
        with self.lock:
            self.open.add(number)
            self.times[number] = [time.perf_counter()]

    def confirm(self, ids: list[str]) -> None:
        """Take profiles off the list."""
        now = time.perf_counter()
        with self.lock:
            self.confirmed += len(ids)
            for number in (self.numbers.get(profile_id, -1) for profile_id in ids):
                self.whole = False
                self.open.discard(number)
                self.times.setdefault(number, [0.0]).append(now)
            self.lock.notify_all()

    def took(self, number: int) -> float:
        """Seconds from when a profile was shown to its first confirm, which is waited for."""
        with self.lock:
            if not self.lock.wait_for(lambda: len(self.times[number]) > 1, timeout=60):
                raise TimeoutError(f"profile {number} was not confirmed")
            shown, confirmed, *_ = self.times[number]
        return confirmed - shown

    def listing(self) -> bytes | None:
        """Return the current list, or None if it is the whole file."""
        with self.lock:
            if self.whole:
                return None
            bounds = [self.bounds[number] for number in sorted(self.open)]
        return b"[" + b",".join(os.pread(self.list, end - start, start) for start, end in bounds) + b"]"


def _ready(path: Path, make: Callable[[], Iterable[bytes]]) -> int:
    if not path.exists():
        half = path.with_suffix(".half")
        with half.open("wb") as file:
            file.writelines(make())
        half.rename(path)
    return os.open(path, os.O_RDONLY)


def _array(elements: Iterable[bytes]) -> Iterator[bytes]:
    separator = b"["
    for element in elements:
        yield separator + element
        separator = b","
    yield b"]" if separator == b"," else b"[]"


def serve(connection: socket.socket, source: Source) -> None:
    """Answer the requests of one connection until it is closed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while True:
        while (end := received.find(b"\r\n\r\n")) < 0:
            more = connection.recv(65536)
            if not more:
                return
            received += more
        head, received = received[:end], received[end + 4 :]
        announced = _LENGTH.search(head)
        length = int(announced.group(1)) if announced else 0
        while len(received) < length:
            received += connection.recv(65536)
        body, received = received[:length], received[length:]
        answer(connection, source, head.split(b" ", 2)[1].decode(), body)


def answer(connection: socket.socket, source: Source, path: str, body: bytes) -> None:
    """Send the answer to one request."""
    if path.startswith("/api/media/"):
        start = hashlib.sha256(path.encode()).digest()[: source.file_size]  # no two files are the same
        connection.sendall(_HEAD % (_BYTES, source.file_size) + start, socket.MSG_MORE)
        _send_file(connection, source.media, len(start), source.file_size)
    elif path.startswith("/api/applicant/v1/profiles"):
        listing = source.listing()
        if listing is None:
            size = os.fstat(source.list).st_size
            connection.sendall(_HEAD % (_JSON, size), socket.MSG_MORE)
            _send_file(connection, source.list, 0, size)
        else:
            _send_json(connection, listing)
    elif path.startswith("/api/applicant/v1/confirm"):
        source.confirm(json.loads(body))
        _send_json(connection, b"{}")
    elif path.startswith("/token"):
        _send_json(connection, b'{"access_token":"bench","token_type":"bearer","expires_in":86400}')
    elif path.startswith("/bench/show/"):
        source.show(int(path.rpartition("/")[2]))
        _send_json(connection, b"{}")
    elif path.startswith("/bench/took/"):
        _send_json(connection, json.dumps(source.took(int(path.rpartition("/")[2]))).encode())
    elif path == "/bench/confirmed":
        _send_json(connection, json.dumps(source.confirmed).encode())
    else:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def _send_json(connection: socket.socket, content: bytes) -> None:
    connection.sendall(_HEAD % (_JSON, len(content)) + content)


def _send_file(connection: socket.socket, file: int, start: int, end: int) -> None:
    while start < end:
        start += os.sendfile(connection.fileno(), file, start, min(_PIECE, end - start))


def main() -> None:
    """Listen on a free port of loopback until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the answers lie ready")
    parser.add_argument("--profiles", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first profile")
    parser.add_argument("--visible", type=int, default=sys.maxsize, help="how many are listed at first")
    parser.add_argument("--changed", action="store_true", help="one profile in a hundred has other answers")
    parser.add_argument("--files", type=int, help="media files of each profile; 1.7 in the mean if not given")
    parser.add_argument("--file-size", type=int, default=200_000, help="bytes")
    chosen = parser.parse_args()
    source = Source(
        chosen.folder,
        range(chosen.first, chosen.first + chosen.profiles),
        changed=chosen.changed,
        files=chosen.files,
        file_size=chosen.file_size,
        visible=chosen.visible,
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve_safely, args=(connection, source), daemon=True).start()


def _serve_safely(connection: socket.socket, source: Source) -> None:
    try:
        with connection:
            serve(connection, source)
    except ConnectionError:
        pass


if __name__ == "__main__":
    main()
