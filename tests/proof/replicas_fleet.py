"""Three daemons on one database, each with a tap between it and PitchYou: it notes what is asked, and springs ambushes."""

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
Ambush = Callable[[], bytes | None]  # gives what to answer in place of PitchYou; None: hand the request on


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 64
    tap: Tap


class _Connection(socketserver.BaseRequestHandler):
    """Hands bytes on both ways. A request begins where bytes from the replica begin like one: it sends one at a time."""

    server: _Server

    def handle(self) -> None:
        replica, tap = self.request, self.server.tap
        with suppress(OSError), socket.create_connection(tap.sandbox) as sandbox:
            for end in (replica, sandbox):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._answers, args=(sandbox,), daemon=True).start()
            instead: bytes | None = None
            while data := replica.recv(65_536):
                if asked := _ASKED.match(data):
                    instead = tap.asked(asked[1].decode())
                    replica.sendall(instead or b"")
                if instead is None:  # else the rest of the request is dropped too
                    sandbox.sendall(data)

    def _answers(self, sandbox: socket.socket) -> None:
        with suppress(OSError):
            while data := sandbox.recv(65_536):
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)


class Tap:
    """Where one replica finds PitchYou for one client."""

    def __init__(self, replica: Replica, client: str, sandbox: tuple[str, int]) -> None:
        self._replica, self._client, self.sandbox = replica, client, sandbox
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.tap = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = {"poll_interval": 0.5}
        threading.Thread(target=self._server.serve_forever, kwargs=serve, daemon=True).start()

    def asked(self, what: str) -> bytes | None:
        """Note a request; what to answer in place of PitchYou, None to hand it on."""
        return self._replica.asked(self._client, what)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class Replica:
    """One daemon, and those that come after it. `who` is the number of the process, never used again."""

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
        """Start a process."""
        self.who = next(self.fleet.numbers)
        environ = {f"CLIENTS__{number}__BASE_URL": tap.url for number, tap in enumerate(self.taps)}
        database = url_of(self.fleet.here, self.who)
        self.running = self._life.enter_context(
            self.fleet.here.start("run", DATABASE__URL=database, **environ)
        )

    def lie_in_wait(self, client: str, what: str, ambush: Ambush) -> None:
        """Let `ambush` happen at the replica's next request of this kind for this client, before PitchYou hears of it."""
        self._sprung.clear()
        self._ambush = (client, what, ambush)

    def springs(self, seconds: float) -> bool:
        """Whether the ambush happens within so many seconds."""
        return self._sprung.wait(seconds)

    def call_off(self) -> None:
        """Let the ambush not happen any more."""
        self._ambush = None

    def asked(self, client: str, what: str) -> bytes | None:
        """Note a request, and spring an ambush that lies in wait for it; what to answer in place of PitchYou."""
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
        """SIGKILL."""
        self.fleet.killed[self.who] = time.time()
        os.kill(self.running.pid, SIGKILL)

    def replace(self) -> None:
        """Start a new process in place of one that was killed."""
        self.running.wait()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP; returns when the process stands still, which takes as long as the scheduler likes."""
        os.kill(self.running.pid, SIGSTOP)
        eventually(lambda: stands_still(self.running.pid), "it stands still")
        self.frozen = True

    def revive(self) -> None:
        """SIGCONT."""
        self.frozen = False
        os.kill(self.running.pid, SIGCONT)

    def close(self) -> None:
        """Kill what runs, and listen no more."""
        self._life.close()
        for tap in self.taps:
            tap.close()


class Fleet:
    """All replicas; `requests` is what they asked, in the order in which it came; `killed` says when a process was."""

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
        """Let each client's next cycle begin at once, in all replicas. One that is still starting would die of it."""
        for each in self.replicas:
            if b'"daemon_started"' in each.running.log_path.read_bytes():
                each.running.send(SIGUSR1)

    def holder(self, client: str) -> Replica | None:
        """The replica that holds the client's lease, as the database's witness has it."""
        ((who,),) = self.here.rows("SELECT proof.holder(%s)", client)
        return next((each for each in self.replicas if each.who == who), None)


@contextmanager
def fleet(here: Site, replicas: int) -> Iterator[Fleet]:
    """Start so many daemons; kill them at the end, if they are still there."""
    started = Fleet(here, replicas)
    with ExitStack() as stack:
        for each in started.replicas:
            stack.callback(each.close)
            each.start()
        yield started
