"""Simulates a network path that can be slow, stand still, and suddenly lead elsewhere."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from queue import SimpleQueue


class Forwarder:
    """Forwards connections from `port` to another port of this machine. Use it in a `with`.

    Attributes:
        target: the destination of new connections.
        delay: seconds that each piece takes, in either direction.
        open: while this event is not set, nothing passes, but nothing is lost.
    """

    def __init__(self, target: int, *, delay: float = 0.0) -> None:
        self.target, self.delay = target, delay
        self.open = threading.Event()
        self.open.set()
        self.pieces = 0
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Forwarder:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.open.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def lead_to(self, target: int) -> None:
        """Changes the destination, and ends existing connections, as in a failover."""
        self.target = target
        self.cut()

    def cut(self) -> None:
        """Ends all existing connections."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as server:
            ends = (client, server)
            self._ends += ends
            for end in ends:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server)
            back.join()

    def _pass_on(self, giver: socket.socket, taker: socket.socket) -> None:
        under_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        arrivals = threading.Thread(target=self._arrive, args=(under_way, taker), daemon=True)
        arrivals.start()
        with suppress(OSError):
            while data := giver.recv(65_536):
                under_way.put((time.monotonic() + self.delay, data))
        under_way.put((0.0, b""))
        arrivals.join()

    def _arrive(self, under_way: SimpleQueue[tuple[float, bytes]], taker: socket.socket) -> None:
        """Delivers pieces after their delay, with many pieces in flight, like a long line."""
        with suppress(OSError):
            while (piece := under_way.get())[1]:
                time.sleep(max(0.0, piece[0] - time.monotonic()))
                self.open.wait()
                self.pieces += 1
                taker.sendall(piece[1])
        with suppress(OSError):
            taker.shutdown(socket.SHUT_WR)
