"""Keeps a process's leases alive in the background, and knows a dead holder when it sees one."""

import os
import secrets
import socket
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, LeaseHeld
from syncd.logs import get_logger
from syncd.store import leases
from syncd.store.database import Database
from syncd.store.leases import Lease

log = get_logger(__name__)


class LeaseKeeper:
    """Holds the leases of one process and renews them every third of their lifetime. Use it in a `with`.

    A renewal that Postgres does not answer changes nothing: a lease that nobody else took is still ours when
    Postgres is back, and the fence sees to it that it is not when somebody did.

    Args:
        ttl: seconds until others may take a lease that is not renewed.
    """

    def __init__(self, database: Database, *, ttl: float) -> None:
        self._database, self.ttl = database, ttl
        self._holder = own_name()
        self._leases: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._renew_for_ever, name="lease-keeper", daemon=True)

    def __enter__(self) -> "LeaseKeeper":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()
        with suppress(DatabaseUnavailable):  # then it runs out by itself
            for lease in self._leases.values():
                self._database.transact(lambda c: leases.release(c, lease), Deadline(5), patience=0)  # noqa: B023

    def hold(self, client_id: str) -> Lease:
        """The client's lease: the one already held, or a new one.

        Raises:
            LeaseHeld: another living process holds it.
        """
        if held := self._leases.get(client_id):
            return held
        tries = count()
        lease = self._database.transact(
            lambda c: self._acquire(c, client_id, again=next(tries) > 0), Deadline(60)
        )
        with self._lock:  # not before: one client may have to wait for its lease, and the others need not
            self._leases[client_id] = lease
        return lease

    def drop(self, client_id: str) -> None:
        """Forget a lease that turned out to be lost; the next `hold` tries to get a new one."""
        with self._lock:
            self._leases.pop(client_id, None)

    def _acquire(self, connection: Connection, client_id: str, *, again: bool) -> Lease:
        if again:  # a transaction of the former holder may be in the way, and is not about to end
            leases.end_stuck_transactions(connection, client_id)
        holder = leases.holder_of(connection, client_id)
        abandoned = holder if holder and is_dead(holder) else None
        lease = None
        # From a holder at work not even a lock is wanted, which would wait for its transactions.
        if holder in (None, abandoned, self._holder):
            lease = leases.acquire(connection, client_id, self._holder, ttl=self.ttl, abandoned=abandoned)
        if lease is None:
            raise LeaseHeld(
                f"client '{client_id}' is being synced by {_readable(holder)}; stop that syncd, or let it do the work"
            )
        return lease

    def _renew_for_ever(self) -> None:
        while not self._end.wait(self.ttl / 3):
            for client_id, lease in list(self._leases.items()):
                try:
                    kept = self._database.transact(
                        lambda c: leases.renew(c, lease, ttl=self.ttl),  # noqa: B023 - runs at once
                        Deadline(self.ttl / 3),
                        patience=0,
                    )
                except Exception as error:  # the thread must outlive any failure
                    log.debug("lease_not_renewed", client_id=client_id, error=error)
                    continue
                if not kept:
                    log.warning("lease_lost", client_id=client_id)
                    self.drop(client_id)


def own_name() -> str:
    """A name for this process that no other one has, and from which `is_dead` can tell whether it lives."""
    pid = os.getpid()
    return "/".join((socket.gethostname(), str(pid), _boot(), _started(pid), secrets.token_hex(4)))


def is_dead(holder: str) -> bool:
    """Whether the process is known to be gone: it ran on this boot and in this PID namespace, and does not any more."""
    _, pid, boot, started, _ = holder.split("/") if holder.count("/") == 4 else ("", "", "", "", "")
    return bool(started) and boot == _boot() and pid.isdigit() and _started(int(pid)) != started


def _boot() -> str:
    """This boot of this machine and the PID namespace, where /proc tells; else something unlike any other."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - not a path: pid:[4026531836]
        return f"{boot}-{namespace.strip('pid:[]')}"
    return secrets.token_hex(8)


def _started(pid: int) -> str:
    """When the process was started, in clock ticks since boot; empty if there is none, or only its zombie."""
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    return ""


def _readable(holder: str | None) -> str:
    host, pid, *_ = (holder or "another host/?").split("/")
    return f"process {pid} on {host}"
