"""A service manager in place of systemd: a real socket, to which a daemon tells how it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

END = b"the listener ends"


@dataclass
class Manager:
    """Hears what a service says. `address` is the value of NOTIFY_SOCKET."""

    address: str
    heard: list[str] = field(default_factory=list)

    def count(self, message: str) -> int:
        """How often it has heard this message."""
        return self.heard.count(message)

    def listen(self, listener: socket.socket) -> None:
        while (message := listener.recv(65_536)) != END:
            self.heard.append(message.decode())


@contextmanager
def manager(address: Path | str) -> Iterator[Manager]:
    """Listen at a path, or at an abstract address that begins with `@`."""
    name = str(address)
    place = f"\0{name[1:]}" if name.startswith("@") else name
    heard = Manager(name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(place)
        thread = threading.Thread(target=heard.listen, args=(listener,))
        thread.start()
        try:
            yield heard
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(END, place)
            thread.join()
