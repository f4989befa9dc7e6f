"""The same durable steps for one application as syncd, and nothing else: sockets, psycopg, no checks, no retries, no lease.

Each line on standard input is a trigger: list, land, commit, fetch the files, fsync each and the folder, note them, commit,
confirm, note that, commit. A line is printed when all is done.
"""

import argparse
import json
import os
import re
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

TABLES = """
CREATE SCHEMA IF NOT EXISTS bare;
CREATE TABLE IF NOT EXISTS bare.application (id text PRIMARY KEY, payload bytea NOT NULL, confirmed boolean NOT NULL DEFAULT false);
CREATE TABLE IF NOT EXISTS bare.answer (id text, step int, question text, answer text, PRIMARY KEY (id, step));
CREATE TABLE IF NOT EXISTS bare.media (id text, media_id text, stored boolean NOT NULL DEFAULT false, PRIMARY KEY (id, media_id));
"""


class Connection:
    """One keep-alive connection to the source."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer bench\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._socket.recv(262_144)
        length = int(re.search(rb"content-length: *(\d+)", received[:end], re.IGNORECASE).group(1))
        while len(received) < end + 4 + length:
            received += self._socket.recv(262_144)
        return bytes(received[end + 4 :])


def store(folder: Path, name: str, content: bytes) -> None:
    """Write a file so that a power cut cannot lose it."""
    temporary = folder / f"{name}.tmp"
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / name)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def sync(source: Connection, database: psycopg.Connection, media: Path) -> None:
    """One pass over everything that is listed."""
    for profile in json.loads(source.exchange("GET", "/api/applicant/v1/profiles")):
        name = profile["profileId"]
        files = [profile["cv"], *(file for step in profile["steps"] for file in step["attachments"])]
        with database.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bare.application (id, payload) VALUES (%s, %s)",
                (name, json.dumps(profile).encode()),
            )
            answers = [
                (name, place, step["question"], step["answer"]) for place, step in enumerate(profile["steps"])
            ]
            cursor.executemany("INSERT INTO bare.answer VALUES (%s, %s, %s, %s)", answers)
            cursor.executemany(
                "INSERT INTO bare.media (id, media_id) VALUES (%s, %s)",
                [(name, file["mediaId"]) for file in files],
            )
        database.commit()
        folder = media / name
        folder.mkdir()
        for file in files:
            store(
                folder,
                file["mediaId"],
                source.exchange("GET", f"/api/media/v1/download/{name}/{file['mediaId']}"),
            )
        sync_folder(media)
        database.execute("UPDATE bare.media SET stored = true WHERE id = %s", (name,))
        database.commit()
        source.exchange("POST", "/api/applicant/v1/confirm", json.dumps([name]).encode())
        database.execute("UPDATE bare.application SET confirmed = true WHERE id = %s", (name,))
        database.commit()


def main() -> None:
    """Make the tables, then sync at each trigger."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--media", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.media.mkdir(parents=True, exist_ok=True)
    source = Connection(chosen.source)
    with psycopg.connect(chosen.database) as database:
        database.execute(TABLES)
        database.commit()
        print("ready", flush=True)
        for _ in sys.stdin:
            sync(source, database, chosen.media)
            print("done", flush=True)


if __name__ == "__main__":
    main()
