"""Serves a cycle with exact bytes: as files, and as the answers to confirms."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncd.pitchyou import PitchYou
from tests.integration.listener import Heard, Listener, reply
from tests.integration.settling import CONFIRM, LIST
from tests.scene import Scene, scene

TOKEN = json.dumps({"access_token": "t"}).encode()
PDF = b"%PDF-1.7\n%\xe2\xe3\n1 0 obj"
PAGE = b"<!DOCTYPE html>\n<html><body>Anmeldung</body></html>"


def chunked(*pieces: bytes, **headers: str) -> bytes:
    """An answer in chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return reply(body, length=-1, Transfer_Encoding="chunked", **headers)


@contextmanager
def serving(
    database_url: str,
    tmp_path: Path,
    profiles: list[dict[str, Any]],
    *,
    media: Callable[[str], bytes] = lambda path: reply(PDF),
    confirm: Callable[[list[Any]], bytes] = lambda ids: reply(),
    **plan: Any,
) -> Iterator[tuple[Scene, Listener]]:
    """A scene whose PitchYou answers with exactly these bytes."""

    def answers(heard: Heard) -> Iterable[bytes]:
        if heard.path == "/token":
            return [reply(TOKEN)]
        if heard.path == LIST:
            return [reply(json.dumps(profiles).encode())]
        return [confirm(json.loads(heard.body)) if heard.path == CONFIRM else media(heard.path)]

    with (
        scene(database_url, tmp_path / "m", **plan) as s,
        Listener(answers) as server,
        PitchYou("acme", "s", base_url=server.url) as api,
    ):
        s.client = replace(s.client, api=api)
        yield s, server
