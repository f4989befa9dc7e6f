"""Connections to one origin: opened when they are needed, kept while they are good, and read at a pace."""

import select
import socket
import ssl
import threading
import time
from collections import deque
from contextlib import suppress

from syncd.pitchyou.pace import Pace

_SLICE = 1.0  # seconds a read or a write blocks before it asks again whether to go on
_IDLE = 30.0  # seconds after which a connection that nobody uses is given up


class Connection:
    """One socket, plain or TLS. It belongs to one thread at a time.

    `receive` and `send` raise what ends the exchange (see `Pace`), TimeoutError after too long a silence, and OSError
    when the connection breaks.
    """

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._slice = 0.0
        self.idle_since = 0.0

    def receive(self, size: int, pace: Pace) -> bytes:
        """What has come, `size` bytes at most; nothing when the other side has closed."""
        quiet_until = time.monotonic() + pace.silence
        while True:
            pace.check()
            self._block_for(pace)
            try:
                data = self._socket.recv(size)
            except TimeoutError:
                if time.monotonic() >= quiet_until:
                    raise
            else:
                pace.count(len(data))
                return data

    def send(self, data: bytes, pace: Pace) -> None:
        """Hand all of `data` on to the network."""
        left = memoryview(data)
        quiet_until = time.monotonic() + pace.silence
        while left:
            pace.deadline.check()
            self._block_for(pace)
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                if time.monotonic() >= quiet_until:
                    raise

    def is_dropped(self) -> bool:
        """Whether something came while nothing was asked for: as a rule the other side's goodbye."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._socket.close()

    def _block_for(self, pace: Pace) -> None:
        wanted = max(0.001, min(_SLICE, pace.deadline.remaining()))
        if wanted != self._slice:
            self._socket.settimeout(wanted)
            self._slice = wanted


class Pool:
    """Connections to one origin, so many at a time at most. Safe to share between threads.

    Args:
        host: a name or an address, without brackets.
        tls: None for plain HTTP.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, *, size: int) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._free = threading.Semaphore(size)
        self._lock = threading.Lock()  # for the two below
        self._idle: deque[Connection] = deque()  # the one that was used last is at the right
        self._closed = False

    def take(self, pace: Pace, connect_timeout: float) -> Connection:
        """A connection that nobody else uses, the one that was used last or a new one. `put` gives it back.

        Args:
            connect_timeout: seconds for TCP, and again for TLS.

        Raises:
            OSError: no connection, or none that can be trusted.
            Stopped, DeadlineExceeded: all connections stayed in use until then.
        """
        while not self._free.acquire(timeout=_SLICE):
            pace.deadline.check()
        try:
            return self._kept() or self._opened(connect_timeout)
        except BaseException:
            self._free.release()
            raise

    def put(self, connection: Connection, *, reusable: bool) -> None:
        """Give a connection back: to be kept, or to be closed."""
        connection.idle_since = time.monotonic()
        with self._lock:
            kept = reusable and not self._closed
            if kept:
                self._idle.append(connection)
        if not kept:
            connection.close()
        self._free.release()

    def close(self) -> None:
        """Close all connections that nobody uses, and keep none any more."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.close()

    def _kept(self) -> Connection | None:
        long_ago = time.monotonic() - _IDLE
        while True:
            with self._lock:
                if not self._idle:
                    return None
                oldest = self._idle[0].idle_since < long_ago
                connection = self._idle.popleft() if oldest else self._idle.pop()
            if not oldest and not connection.is_dropped():
                return connection
            connection.close()

    def _opened(self, timeout: float) -> Connection:
        opened = socket.create_connection((self._host, self._port), timeout)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                # Without the other side's goodbye, the end of a body that has no length is an attack or an accident.
                opened = self._tls.wrap_socket(opened, server_hostname=self._host, suppress_ragged_eofs=False)
        except BaseException:
            opened.close()
            raise
        return Connection(opened)
