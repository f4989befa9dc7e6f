"""Damages whole list answers. None of their elements may land; the next answer must bring all."""

from __future__ import annotations

import gzip
import random
import threading
from collections.abc import Callable, Iterable, Sequence

from syncd.errors import BadAnswer
from syncd.media.vault import Vault
from syncd.model import Outcome
from syncd.pitchyou import PitchYou
from syncd.store.database import Database
from syncd.sync.client_cycle import Client, Ended, Outsides, run_once
from syncd.sync.lease_keeper import LeaseKeeper
from tests.integration.listener import Heard, Listener, reply
from tests.plans import plan_for
from tests.system.processes import Site

Damage = Callable[[list[bytes], random.Random], bytes]
_LIST = "/api/applicant/v1/profiles"
_TOKEN = reply(b'{"access_token":"t"}', Content_Type="application/json")


def whole(those: Sequence[bytes]) -> bytes:
    """Returns the intact list."""
    return b"[" + b",".join(those) + b"]"


def _cut(those: list[bytes], chance: random.Random) -> bytes:
    body = whole(those)
    return body[: chance.randrange(len(body))]


def _with(piece: bytes) -> Damage:
    """Inserts a piece, without a comma, between two elements, before the first or after the last."""

    def damaged(those: list[bytes], chance: random.Random) -> bytes:
        place = chance.randrange(len(those) + 1)
        before, after = b",".join(those[:place]), b",".join(those[place:])
        return b"[" + before + piece + (b"," if before and after else b"") + after + b"]"

    return damaged


def _around(before: bytes, after: bytes) -> Damage:
    return lambda those, chance: before + whole(those) + after


def _instead(body: bytes) -> Damage:
    return lambda those, chance: body


def _encoded(encoding: str) -> Damage:
    return lambda those, chance: whole(those).decode("latin-1").encode(encoding)


DAMAGES: dict[str, Damage] = {
    **{f"cut off, {number}": _cut for number in range(8)},
    "without its last bracket": lambda those, chance: whole(those)[:-1],
    "without its first bracket": lambda those, chance: b"1," + whole(those)[1:],
    "a comma for its last bracket": lambda those, chance: whole(those)[:-1] + b",",
    **{f"{piece!r} among its elements": _with(piece) for piece in (b"]", b"}", b"[", b"{", b"[[", b"]]")},
    "an empty element": lambda those, chance: whole([*those, b" ", *those]),
    "a comma first": lambda those, chance: whole([b"", *those]),
    "a comma last": lambda those, chance: whole([*those, b"\n"]),
    "a quote last": lambda those, chance: b"[" + b",".join(those) + b'"]',
    **{
        f"followed by {after!r}": _around(b"", after)
        for after in (b"]", b"}", b",", b"x", b"\0", b"[]", b"{}", b'"', b";", b"</html>", b"\xff", b"\x0b")
    },
    **{
        f"between {before!r} and {after!r}": _around(before, after)
        for before, after in (
            (b'{"data":', b"}"),
            (b"cb(", b")"),
            (b")]}',\n", b""),
            (b"\0", b""),
            (b"\xef\xbb\xbf\xef\xbb\xbf", b""),
            (b'"', b'"'),
            (b"<pre>", b"</pre>"),
            (b"HTTP/1.1 200 OK\r\n\r\n", b""),
        )
    },
    "twice": lambda those, chance: whole(those) * 2,
    "an element for each line": lambda those, chance: b"\n".join([b"{}", *those]),
    **{f"in {encoding}": _encoded(encoding) for encoding in ("utf-16", "utf-16-be", "utf-32")},
    "compressed without saying so": lambda those, chance: gzip.compress(whole(those), mtime=0),
    **{
        f"{body!r} instead": _instead(body)
        for body in (
            b"",
            b" \r\n",
            b"\xef\xbb\xbf",
            b"null",
            b"0",
            b"true",
            b'"[]"',
            b"{}",
            b"[",
            b"]",
            b"OK",
        )
    },
}


def refused(here: Site, those: Sequence[bytes], chance: random.Random) -> int:
    """Serves these elements as a list, damaged in each way, and checks that none lands. Returns the number of ways."""
    for what, damage in DAMAGES.items():
        body = damage(list(those), chance)
        ended, paths = _answered(here, body)
        assert isinstance(ended.error, BadAnswer), f"a list {what}: {ended}"
        assert ended.outcome is Outcome.FAILED, f"a list {what}: {ended}"
        assert set(paths) == {"/token", _LIST}, f"a list {what}: something else was asked for: {paths}"
        for table in ("ats.application", "ops.quarantine"):
            assert here.value(f"SELECT count(*) FROM {table}") == 0, (
                f"a list {what}: there is a row in {table}"
            )
    return len(DAMAGES)


def _answered(here: Site, body: bytes) -> tuple[Ended, list[str]]:
    def answer(heard: Heard) -> Iterable[bytes]:
        return [_TOKEN if heard.path == "/token" else reply(body, Content_Type="application/json")]

    config = here.sandbox.config
    with (
        Listener(answer) as server,
        Database(here.database_url) as database,
        LeaseKeeper(database, ttl=60.0) as keeper,
        PitchYou(config.client_id, config.client_secret, base_url=server.url) as api,
    ):
        outsides = Outsides(database, Vault(here.media_root, max_bytes=200_000_000), keeper)
        client = Client(plan_for(config.client_id), api)
        ended = run_once(client, outsides, trigger="command", stop=threading.Event())
        return ended, [heard.path for heard in server.heard]
