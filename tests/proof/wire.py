"""Cuts the connection to Postgres before and after each message of its protocol, including the answer to COMMIT."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

from syncd.errors import SyncdError
from tests.proof.summary import NOT_REACHED, done
from tests.proof.world import SMALL_STEPS, busy, converge, cycle, numbered, server
from tests.system.processes import Site

SEEDS = (11, 23, 37)
# PitchYou lists each profile only once, so a lost one never comes again, and each COMMIT counts.
LISTED_ONCE: dict[str, Any] = {"after_confirm": "once"}


class Proxy:
    """Forwards messages between clients and Postgres, counts them, and cuts its connections at one of them.

    Args:
        cut_at: the name of the message and its number among those of the same name, counted from 1 over all connections;
            None cuts nothing.
        deliver: whether this message still arrives.
    """

    def __init__(self, port: int, cut_at: tuple[str, int] | None = None, *, deliver: bool = False) -> None:
        self._target, self._cut_at, self._deliver = port, cut_at, deliver
        self.messages: list[str] = []
        self.struck = False
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                postgres = socket.create_connection(("127.0.0.1", self._target))
                for end in (client, postgres):
                    end.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
                    )  # otherwise each message takes 40 ms
                for pair, way in (((client, postgres), ">"), ((postgres, client), "<")):
                    threading.Thread(target=self._hand_on, args=(*pair, way), daemon=True).start()

    def _hand_on(self, giver: socket.socket, taker: socket.socket, way: str) -> None:
        with suppress(OSError), giver, taker:
            for name, message in _messages(giver, way):
                with self._lock:
                    self.messages.append(f"{way}{name}")
                    cut = self._cut_at == (f"{way}{name}", self.messages.count(f"{way}{name}"))
                    self.struck |= cut
                if not cut or self._deliver:
                    taker.sendall(message)
                if cut:
                    break
            for end in (giver, taker):
                end.shutdown(socket.SHUT_RDWR)


def _messages(giver: socket.socket, way: str) -> Iterator[tuple[str, bytes]]:
    """Yields the messages of one direction: a type and a length (PostgreSQL, 54.2). A client's first message has no type."""
    typed = way == "<"
    with giver.makefile("rb") as stream:
        while head := stream.read(4 + typed):
            (length,) = struct.unpack("!I", head[-4:])
            yield head[:-4].decode("ascii") or "startup", head + stream.read(length - 4)
            typed = True


def through(here: Site, proxy: Proxy) -> str:
    """Returns the database's URL through the proxy, without TLS, which would hide the messages."""
    return (
        here.database_url.replace(f":{server().port}/", f":{proxy.port}/")
        + "?sslmode=disable&gssencmode=disable"
    )


def points() -> Iterator[str]:
    """Lists all points, as `seed:message:number:before` and `seed:message:number:after`.

    After a message is the same moment as before the next one, if that goes the same way. So only the last message before
    the other side's turn has a point `after`.
    """
    for seed in SEEDS:
        with busy(seed, **LISTED_ONCE) as here, Proxy(server().port) as proxy:
            cycle(here, database_url=through(here, proxy), **SMALL_STEPS)
            here.assert_complete()
            those = list(numbered(proxy.messages))
        for (message, number), (following, _) in pairwise([*those, ("", 0)]):
            yield f"{seed}:{message}:{number}:before"
            if following[:1] != message[:1]:
                yield f"{seed}:{message}:{number}:after"


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    return done(held, "cuts", SEEDS)


def prove(point: str) -> str:
    """Cuts once, lets the cycle continue as it can, restarts, and asks the oracle. Returns the message."""
    seed, message, number, side = point.split(":")
    with busy(int(seed), **LISTED_ONCE) as here:
        # The cycle may end in any expected way; unexpected errors fail the proof.
        proxy = Proxy(server().port, (message, int(number)), deliver=side == "after")
        with proxy, suppress(SyncdError):
            cycle(here, database_url=through(here, proxy), **SMALL_STEPS)
        here.execute(
            "UPDATE ops.lease SET expires_at = '-infinity'"
        )  # as if its process had ended, like a real one
        converge(here)
    return message if proxy.struck else NOT_REACHED
