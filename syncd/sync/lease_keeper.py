"""Renews the leases of a process in the background, and recognises a holder that is dead."""

import os
import secrets
import socket
import threading
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from syncd.deadline import Deadline
from syncd.errors import NO_THREAD, DatabaseUnavailable, LeaseHeld, SyncdError
from syncd.logs import get_logger
from syncd.store import leases
from syncd.store.database import Database
from syncd.store.leases import Lease

log = get_logger(__name__)


class LeaseKeeper:
    """Holds the leases of one process and renews each after a third of its lifetime. Use it in a `with`.

    If Postgres does not answer a renewal, nothing is lost: when Postgres is back, the lease is still ours unless another
    process has taken it, and then its fence stops us.

    Args:
        ttl: seconds after which others may take a lease that was not renewed.
    """

    def __init__(self, database: Database, *, ttl: float) -> None:
        self._database, self.ttl = database, ttl
        self._holder = own_name()
        self._leases: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._renew_for_ever, name="lease-keeper", daemon=True)

    def __enter__(self) -> "LeaseKeeper":
        try:
            self._thread.start()
        except RuntimeError:
            raise SyncdError(NO_THREAD) from None
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()
        # A lease that cannot be released expires by itself.
        with suppress(DatabaseUnavailable):
            for lease in self._leases.values():
                self._database.transact(partial(leases.release, lease=lease), Deadline(5), patience=0)

    def hold(self, client_id: str) -> Lease:
        """Returns the client's lease: the one that this process holds, or a new one.

        Raises:
            LeaseHeld: another living process holds it.
        """
        if held := self._leases.get(client_id):
            return held
        attempts = count()

        def acquire(connection: Connection) -> Lease:
            return self._acquire(connection, client_id, again=next(attempts) > 0)

        lease = self._database.transact(acquire, Deadline(60))
        # Locked only now: this client may have had to wait for its lease, and other clients need not.
        with self._lock:
            self._leases[client_id] = lease
        return lease

    def drop(self, client_id: str) -> None:
        """Forgets a lease that turned out to be lost. The next `hold` tries to get a new one."""
        with self._lock:
            self._leases.pop(client_id, None)

    def release(self, client_id: str) -> None:
        """Gives the client's lease back, so that others may work for it. Call it when no cycle of the client runs."""
        with self._lock:
            lease = self._leases.pop(client_id, None)
        # A lease that cannot be released expires by itself.
        with suppress(DatabaseUnavailable):
            if lease:
                self._database.transact(partial(leases.release, lease=lease), Deadline(5), patience=0)

    def _acquire(self, connection: Connection, client_id: str, *, again: bool) -> Lease:
        # A transaction of the former holder may be in the way, and may never end.
        if again:
            leases.end_stuck_transactions(connection, client_id)
        holder = leases.holder_of(connection, client_id)
        abandoned = holder if holder and is_dead(holder) else None
        lease = None
        # Not even a lock is requested while another holder works: it would wait for the holder's transactions.
        if holder in (None, abandoned, self._holder):
            lease = leases.acquire(connection, client_id, self._holder, ttl=self.ttl, abandoned=abandoned)
        if lease is None:
            raise LeaseHeld(
                f"client '{client_id}' is being synced by {_readable(holder)}; stop that syncd, or leave the work to it"
            )
        return lease

    def _renew_for_ever(self) -> None:
        while not self._end.wait(self.ttl / 3):
            for client_id, lease in list(self._leases.items()):
                try:
                    renew = partial(leases.renew, lease=lease, ttl=self.ttl)
                    kept = self._database.transact(renew, Deadline(self.ttl / 3), patience=0)
                # The thread must outlive any failure.
                except Exception as error:
                    log.debug("lease_not_renewed", client_id=client_id, error=error)
                    continue
                if not kept:
                    log.warning("lease_lost", client_id=client_id)
                    self.drop(client_id)


def own_name() -> str:
    """Returns a unique name for this process, from which `is_dead` can tell whether the process lives."""
    pid = os.getpid()
    return "/".join((socket.gethostname(), str(pid), _boot(), _started(pid), secrets.token_hex(4)))


def is_dead(holder: str) -> bool:
    """Whether the process is surely gone: it ran in this boot and in this PID namespace, and does not run any more."""
    _, pid, boot, started, _ = holder.split("/") if holder.count("/") == 4 else ("", "", "", "", "")
    return bool(started) and boot == _boot() and pid.isdigit() and _started(int(pid)) != started


def _boot() -> str:
    """Identifies this boot of the machine and the PID namespace by /proc. Without /proc, returns a unique value."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - not a path: pid:[4026531836]
        return f"{boot}-{namespace.strip('pid:[]')}"
    return secrets.token_hex(8)


def _started(pid: int) -> str:
    """Returns when the process started, in clock ticks since boot; an empty string if it does not run or is a zombie."""
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    return ""


def _readable(holder: str | None) -> str:
    host, pid, *_ = (holder or "another host/?").split("/")
    return f"process {pid} on {host}"
