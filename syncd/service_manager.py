"""Tells systemd how the daemon is, as sd_notify(3) defines it: a datagram to the socket that NOTIFY_SOCKET names."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The service manager that has started this process, if any. Without one, nothing is sent.

    Attributes:
        watchdog: seconds within which it expects `WATCHDOG=1`; None if it does not.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        name = environ.get("NOTIFY_SOCKET", "")
        # A name that begins with "@" names an abstract socket of Linux, not a file.
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.watchdog = _watchdog(environ) if name else None
        self._ready = False
        self._status = ""

    def ready(self) -> None:
        """Say that the daemon works."""
        self._ready = True
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again. Call `reloaded` afterwards."""
        if self._ready:
            # time.monotonic is CLOCK_MONOTONIC, which systemd compares.
            self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """Say that the configuration was read."""
        if self._ready:
            self._send("READY=1")

    def stopping(self) -> None:
        """Say that the daemon is about to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Say that every cycle moves."""
        if self.watchdog:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say what the daemon does, for `systemctl status`. Sends a text once."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A manager that is gone or busy must not hold up any cycle.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), self._address)


def _watchdog(environ: Mapping[str, str]) -> float | None:
    microseconds = environ.get("WATCHDOG_USEC", "")
    is_ours = environ.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    return int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() and int(microseconds) else None
