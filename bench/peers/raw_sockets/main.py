"""Files fetched with bare sockets in threads, each synced: about the least that Python can do.

It follows "Socket Programming HOWTO" of Python's documentation. It knows one server, answers with Content-Length alone,
makes no digest, renames nothing and retries nothing. A short answer or another status than 200 ends it.
"""

import argparse
import json
import os
import queue
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

BUFFER = 256 * 1024
Item = tuple[str, str]


def fetch_all(host: str, port: int, token: str, folder: Path, todo: "queue.SimpleQueue[Item]") -> None:
    """Fetch what is in `todo` over one connection until nothing is left."""
    buffer = memoryview(bytearray(BUFFER))
    request = f"GET %s HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    with socket.create_connection((host, port)) as connection:
        while True:
            try:
                path, name = todo.get_nowait()
            except queue.Empty:
                return
            connection.sendall((request % path).encode())
            fetch(connection, folder / name, buffer)


def fetch(connection: socket.socket, target: Path, buffer: memoryview) -> None:
    """Read one answer into `target` and sync it."""
    filled = 0
    while (end := bytes(buffer[:filled]).find(b"\r\n\r\n")) < 0:
        filled += received(connection, buffer[filled:])
    head = bytes(buffer[:end]).split(b"\r\n")
    if head[0].split(b" ")[1] != b"200":
        raise RuntimeError(f"{target.name}: {head[0].decode()}")
    left = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:"))
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        start, stop = end + 4, filled
        while True:
            left -= os.write(file, buffer[start:stop]) if stop > start else 0
            if not left:
                break
            start, stop = 0, received(connection, buffer[: min(left, BUFFER)])
        os.fsync(file)
    finally:
        os.close(file)


def received(connection: socket.socket, room: memoryview) -> int:
    """Read what has come into `room`; bytes, never 0."""
    count = connection.recv_into(room)
    if not count:
        raise ConnectionError("The source closed the connection before the answer was complete.")
    return count


def main() -> None:
    """Fetch every line of the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=Path, required=True, help="lines of URL, tab, path below --media")
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--token", default="bench", help="the bearer token")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--source", help="taken, as by every peer; the URLs say it")
    parser.add_argument("--database", help="taken, as by every peer; not used")
    chosen = parser.parse_args()
    todo: queue.SimpleQueue[Item] = queue.SimpleQueue()
    url, failures = urlsplit(""), []
    for line in chosen.urls.read_text().splitlines():
        address, _, name = line.partition("\t")
        url = urlsplit(address)
        (chosen.media / name).parent.mkdir(parents=True, exist_ok=True)
        todo.put((url.path, name))
    threading.excepthook = lambda failure: failures.append(failure.exc_value)
    place = (url.hostname or "127.0.0.1", url.port or 80, chosen.token, chosen.media, todo)
    threads = [threading.Thread(target=fetch_all, args=place) for _ in range(chosen.threads)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"{len(failures)} of {chosen.threads} threads failed: {failures[0]}")
    print(json.dumps({"wall": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
