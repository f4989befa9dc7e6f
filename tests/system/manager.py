"""A service manager in place of systemd: a real socket, to which a daemon tells how it is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Manager:
    """Hears what a service says. `address` is the value of NOTIFY_SOCKET."""

    address: str
    _socket: socket.socket
    _heard: list[str] = field(default_factory=list)

    @property
    def heard(self) -> list[str]:
        """Every message so far."""
        with suppress(BlockingIOError):
            while True:
                self._heard.append(self._socket.recv(65_536).decode())
        return self._heard

    def count(self, message: str) -> int:
        """How often it has heard this message."""
        return self.heard.count(message)


@contextmanager
def manager(address: Path | str) -> Iterator[Manager]:
    """Listen at a path, or at an abstract address that begins with `@`."""
    name = str(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        listener.setblocking(False)
        yield Manager(name, listener)
