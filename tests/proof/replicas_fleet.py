"""Runs three daemons on one database, each with a tap in front of PitchYou, which records requests and springs ambushes."""

from __future__ import annotations

import os
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGUSR1

from tests.proof.replicas_witness import Request, url_of
from tests.system.processes import Running, Site, eventually, stands_still

_ASKED = re.compile(rb"(?:GET|POST) /(?:api/(?:applicant/v1/)?)?(token|profiles|confirm|media|jobtemplates)")
_ORIGIN = re.compile(rb"^((?:GET|POST) )http://[^/]+")
# Returns the answer to give in place of PitchYou, or None to forward the request.
Ambush = Callable[[], bytes | None]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 64
    tap: Tap


class _Connection(socketserver.BaseRequestHandler):
    """Forwards bytes in both directions. A replica sends one request at a time, so a request begins where its bytes do."""

    server: _Server

    def handle(self) -> None:
        replica, tap = self.request, self.server.tap
        with suppress(OSError), socket.create_connection(tap.sandbox) as sandbox:
            for end in (replica, sandbox):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._answers, args=(sandbox,), daemon=True).start()
            instead: bytes | None = None
            while data := replica.recv(65_536):
                # As a proxy, it is asked for whole addresses; the sandbox knows paths.
                data = _ORIGIN.sub(rb"\1", data)
                if asked := _ASKED.match(data):
                    instead = tap.asked(asked[1].decode())
                    replica.sendall(instead or b"")
                if instead is None:  # otherwise the rest of the request is dropped too
                    sandbox.sendall(data)

    def _answers(self, sandbox: socket.socket) -> None:
        with suppress(OSError):
            while data := sandbox.recv(65_536):
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)


class Tap:
    """The proxy between PitchYou and one replica, for one client."""

    def __init__(self, replica: Replica, client: str, sandbox: tuple[str, int]) -> None:
        self._replica, self._client, self.sandbox = replica, client, sandbox
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.tap = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = {"poll_interval": 0.5}
        threading.Thread(target=self._server.serve_forever, kwargs=serve, daemon=True).start()

    def asked(self, what: str) -> bytes | None:
        """Records a request. Returns the answer in place of PitchYou, or None to forward the request."""
        return self._replica.asked(self._client, what)

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()


class Replica:
    """A daemon and its successors. `who` is the number of the process, which is never used again."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.who = 0
        self.frozen = False
        self.running: Running
        self.taps = [Tap(self, each, fleet.sandbox) for each in fleet.clients]
        self._life = ExitStack()
        self._ambush: tuple[str, str, Ambush] | None = None
        self._sprung = threading.Event()

    def start(self) -> None:
        """Starts a process."""
        self.who = next(self.fleet.numbers)
        # The same address of PitchYou for all replicas, since syncd refuses a client whose address has changed.
        environ = {f"CLIENTS__{number}__PROXY": tap.url for number, tap in enumerate(self.taps)}
        database = url_of(self.fleet.here, self.who)
        self.running = self._life.enter_context(
            self.fleet.here.start("run", DATABASE__URL=database, **environ)
        )

    def lie_in_wait(self, client: str, what: str, ambush: Ambush) -> None:
        """Sets an ambush: it happens at the replica's next request of this kind for this client, before PitchYou gets it."""
        self._sprung.clear()
        self._ambush = (client, what, ambush)

    def springs(self, seconds: float) -> bool:
        """Says whether the ambush happens within this number of seconds."""
        return self._sprung.wait(seconds)

    def call_off(self) -> None:
        """Cancels the ambush."""
        self._ambush = None

    def asked(self, client: str, what: str) -> bytes | None:
        """Records a request, and springs an ambush for it. Returns the answer in place of PitchYou."""
        with self.fleet.lock:
            self.fleet.requests.append(Request(time.time(), self.who, client, what))
            if self._ambush is None or self._ambush[:2] != (client, what):
                return None
            ambush, self._ambush = self._ambush[2], None
        instead = ambush()
        if self._ambush is None:
            self._sprung.set()
        return instead

    def kill(self) -> None:
        """Kills the process with SIGKILL."""
        self.fleet.killed[self.who] = time.time()
        os.kill(self.running.pid, SIGKILL)

    def replace(self) -> None:
        """Starts a new process in place of a killed one."""
        self.running.wait()
        self.start()

    def freeze(self) -> None:
        """Freezes the process with SIGSTOP, and waits until it stands still, however long the scheduler takes."""
        os.kill(self.running.pid, SIGSTOP)
        eventually(lambda: stands_still(self.running.pid), "it stands still")
        self.frozen = True

    def revive(self) -> None:
        """Lets the process continue with SIGCONT."""
        self.frozen = False
        os.kill(self.running.pid, SIGCONT)

    def close(self) -> None:
        """Kills the process if it runs, and stops listening."""
        self._life.close()
        for tap in self.taps:
            tap.close()


class Fleet:
    """All replicas. `requests` holds their requests in order; `killed` says when each process was killed."""

    def __init__(self, here: Site, replicas: int) -> None:
        self.here = here
        self.clients = [tenant.client_id for tenant in here.sandbox.config.all_tenants]
        self.sandbox = ("127.0.0.1", int(here.sandbox.url.rpartition(":")[2]))
        self.numbers = count(1)
        self.lock = threading.Lock()
        self.requests: list[Request] = []
        self.killed: dict[int, float] = {}
        self.replicas = [Replica(self) for _ in range(replicas)]

    def hurry(self) -> None:
        """Makes all replicas start each client's next cycle at once. Do not call this while one is starting; it would die."""
        for each in self.replicas:
            if b'"daemon_started"' in each.running.log_path.read_bytes():
                each.running.send(SIGUSR1)

    def holder(self, client: str) -> Replica | None:
        """Returns the replica that holds the client's lease, according to the witness in the database."""
        ((who,),) = self.here.rows("SELECT proof.holder(%s)", client)
        return next((each for each in self.replicas if each.who == who), None)


@contextmanager
def fleet(here: Site, replicas: int) -> Iterator[Fleet]:
    """Starts this number of daemons, and kills the remaining ones at the end."""
    started = Fleet(here, replicas)
    with ExitStack() as stack:
        for each in started.replicas:
            stack.callback(each.close)
            each.start()
        yield started
