"""Builds answers, and damages them for a fault. Does no network I/O."""

import gzip
import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from syncd.sandbox.content.media_files import other_kind
from syncd.sandbox.faults import Fault

JSON = "application/json; charset=utf-8"
OCTETS = "application/octet-stream"
HTML_PAGE = b"<!doctype html><html><head><title>Wartung</title></head><body><h1>Wir sind gleich zurueck</h1></body></html>"


class Cut(Exception):
    """A body ends too early: send nothing more and close the connection."""


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is the bytes, or an iterable of `pieces` pieces (`length` bytes in total, if known).

    The server calls `before_end` with the whole body (b"" for pieces) just before it sends the last byte, so that the
    ledger records an answer before the client can act on it.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    pieces: int = 1
    before_end: Callable[[bytes], None] | None = None
    seconds_per_byte: float = 0.0


def json_reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Returns an answer with this value as JSON."""
    return Reply(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers or {})


def error_reply(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    """Returns an error whose sentence helps to debug the client."""
    return json_reply({"error": message}, status, headers)


def instead(fault: Fault, endpoint: str, stray_url: str) -> Reply:
    """Returns the answer of a fault that replaces the effect of the call."""
    if fault.kind == "status":
        retry = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        return error_reply(fault.answer_status, "a fault was injected here", retry)
    if fault.kind == "redirect":
        return Reply(fault.answer_status, headers={"Location": fault.target or stray_url})
    if fault.kind == "gzip_bomb":
        bomb = gzip_bomb(fault.size or 4 * 2**30)
        return Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    if fault.kind == "endless":
        kind = OCTETS if endpoint == "media" else JSON
        return Reply(body=_endless(endpoint, fault.size), content_type=kind)
    if fault.kind == "html":
        return Reply(body=HTML_PAGE, content_type="text/html; charset=utf-8")
    body = {
        "garbage": b"\xff\xfe\x00" + random.Random(1).randbytes(2_000),  # noqa: S311 - noise, not a secret
        "object": b'{"message": "Internal state", "profiles": []}',
        "nested": b"[" * 100_000 + b"]" * 100_000,
    }[fault.kind]
    return Reply(body=body)


def spoil(reply: Reply, fault: Fault, endpoint: str) -> Reply:
    """Damages the reply of a call that has had its effect."""
    if fault.kind == "slow":
        return replace(reply, seconds_per_byte=fault.seconds_per_byte)
    if fault.kind == "wrong_type":
        # A client may refuse such a list, so the list does not count as received.
        if endpoint != "media":
            return replace(reply, content_type="text/html; charset=utf-8", before_end=None)
        known = bytes(reply.body) if isinstance(reply.body, bytes) else b""
        return replace(reply, body=other_kind("image/jpeg" if known[:2] == b"\xff\xd8" else None))
    # A damaged list does not count as received. The bytes of a damaged file were served nevertheless.
    kept = reply.before_end if endpoint == "media" and fault.kind != "truncate" else None
    reply = replace(reply, before_end=kept)
    if fault.kind == "truncate":
        length = len(reply.body) if isinstance(reply.body, bytes) else reply.length
        return replace(reply, body=_half(reply, cut=True), length=length)
    if isinstance(reply.body, bytes):
        half = reply.body[: len(reply.body) // 2]
        bodies = {"empty": b"", "short": half, "trailing": reply.body + b"\n]trailing"}
        return replace(reply, body=bodies[fault.kind])
    if fault.kind == "empty":
        return replace(reply, body=b"", length=None)
    longer = (
        _half(reply, cut=False) if fault.kind == "short" else itertools.chain(reply.body, [b"\n]trailing"])
    )
    return replace(reply, body=longer, length=None)


def _half(reply: Reply, *, cut: bool) -> Iterator[bytes]:
    pieces = iter([reply.body]) if isinstance(reply.body, bytes) else iter(reply.body)
    yield from itertools.islice(pieces, reply.pieces // 2)
    last = next(pieces, b"")
    yield last[: len(last) // 2]
    if cut:
        raise Cut


def _endless(endpoint: str, size: int | None) -> Iterator[bytes]:
    if endpoint == "profiles":
        yield b"["
        made: Iterable[bytes] = (
            b",".join(b'{"profileId":"endless-%d","steps":[]}' % (block * 200 + each) for each in range(200))
            + b","
            for block in itertools.count()
        )
    else:
        made = itertools.repeat(b" " * 65_536)
    sent = 0
    for block in made:
        if size is not None and sent >= size:
            return
        yield block
        sent += len(block)


def gzip_bomb(size: int) -> Iterator[bytes]:
    """Yields a gzip stream, block by block, that unpacks to `size` bytes of JSON: an empty array with many spaces."""
    plain = b" " * 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)  # every such block has the same bytes
    first = zlib.compressobj(9, zlib.DEFLATED, -15)
    yield gzip.compress(b"", 9, mtime=0)[:10] + first.compress(b"[") + first.flush(zlib.Z_FULL_FLUSH)
    check = zlib.crc32(b"[")
    blocks, rest = divmod(max(0, size - 2), len(plain))
    for _ in range(blocks):
        check = zlib.crc32(plain, check)
        yield packed
    tail = b" " * rest + b"]"
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    yield last.compress(tail) + last.flush()
    total = blocks * len(plain) + rest + 2
    yield zlib.crc32(tail, check).to_bytes(4, "little") + (total & 0xFFFFFFFF).to_bytes(4, "little")
