"""Who works for which client: a lease with a fencing number, one row per client.

A daemon takes a lease once, renews it while it lives, and gives it back when it ends. Every transaction that
writes for a client first calls `require`; a process that was frozen while another took over is refused there.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from syncd.errors import LeaseLost

# Taken by whoever locks the row. That lock does not say whose it is; this one does, and gets in nobody's way.
_KEY = "hashtextextended(:client_id, 7302614)"
_MARK = f"pg_advisory_xact_lock_shared({_KEY})"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work for a client. `fence` grows with every new holder."""

    client_id: str
    holder: str
    fence: int


def acquire(
    connection: Connection, client_id: str, holder: str, *, ttl: float, abandoned: str | None = None
) -> Lease | None:
    """Take the client's lease if it is free, has run out, or is the holder's own already.

    The last is so when the answer to an earlier commit was lost.

    Args:
        ttl: seconds until others may take it, unless it is renewed.
        abandoned: a holder that is known to be dead, whose lease need not run out first.

    Returns:
        The lease, or None while another holds it.
    """
    # Waits for the transactions that are under this lease, see `require`.
    connection.execute(
        text(f"SELECT {_MARK} FROM ops.lease WHERE client_id = :client_id FOR UPDATE"),
        {"client_id": client_id},
    )
    fence = connection.execute(
        text(
            "INSERT INTO ops.lease AS held (client_id, holder, fence, expires_at) "
            "VALUES (:client_id, :holder, 1, clock_timestamp() + make_interval(secs => :ttl)) "
            "ON CONFLICT (client_id) DO UPDATE SET holder = excluded.holder, fence = held.fence + 1, "
            "expires_at = excluded.expires_at "
            "WHERE held.expires_at < clock_timestamp() OR held.holder IN (:abandoned, excluded.holder) "
            "RETURNING fence"
        ),
        {"client_id": client_id, "holder": holder, "ttl": ttl, "abandoned": abandoned},
    ).scalar()
    return None if fence is None else Lease(client_id, holder, fence)


def end_stuck_transactions(connection: Connection, client_id: str) -> None:
    """End the sessions whose transactions still keep a lease that has run out.

    A process that was frozen, or whose host is gone, leaves a session that waits for it, in the middle of a renewal or of a
    COPY; after a minute Postgres ends the one, and nothing ends the other. A session that works is left alone.
    """
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND granted AND pid != pg_backend_pid() AND usename = current_user "
            "AND datname = current_database() AND objsubid = 1 AND wait_event = 'ClientRead' "
            "AND state_change < clock_timestamp() - interval '5 s' "
            f"AND (classid::bigint << 32 | objid::bigint) = {_KEY} AND EXISTS ("
            "SELECT FROM ops.lease WHERE client_id = :client_id AND expires_at < clock_timestamp())"
        ),
        {"client_id": client_id},
    )


def holder_of(connection: Connection, client_id: str) -> str | None:
    """Who holds the client's lease now, if anybody does."""
    return connection.execute(
        text("SELECT holder FROM ops.lease WHERE client_id = :client_id AND expires_at >= clock_timestamp()"),
        {"client_id": client_id},
    ).scalar()


def renew(connection: Connection, lease: Lease, *, ttl: float) -> bool:
    """Extend the lease by `ttl` seconds from now. False if another has taken it."""
    renewed = connection.execute(
        text(
            "UPDATE ops.lease SET expires_at = clock_timestamp() + make_interval(secs => :ttl) "
            f"WHERE client_id = :client_id AND fence = :fence AND holder = :holder RETURNING {_MARK}"
        ),
        {"client_id": lease.client_id, "fence": lease.fence, "holder": lease.holder, "ttl": ttl},
    )
    return renewed.first() is not None


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease back, so that the next one need not wait for it to run out."""
    connection.execute(
        text(
            "UPDATE ops.lease SET expires_at = '-infinity' "
            "WHERE client_id = :client_id AND fence = :fence AND holder = :holder"
        ),
        {"client_id": lease.client_id, "fence": lease.fence, "holder": lease.holder},
    )


def require(connection: Connection, lease: Lease) -> None:
    """Raise `LeaseLost` unless the lease is still ours, and keep it ours until this transaction ends.

    A lock on the key alone does not keep the lease from being renewed, however long the transaction takes.
    """
    _require(connection, lease, _MARK, "FOR KEY SHARE")


def require_now(connection: Connection, lease: Lease) -> float:
    """Raise `LeaseLost` unless the lease is ours at this moment. Without a lock, so that Postgres has nothing to write.

    Returns:
        That moment, in seconds of Postgres' clock.
    """
    return float(_require(connection, lease, "extract(epoch FROM clock_timestamp())", ""))


def _require(connection: Connection, lease: Lease, told: str, locking: str) -> Any:
    held = connection.execute(
        text(f"SELECT {told} FROM ops.lease WHERE client_id = :client_id AND fence = :fence {locking}"),
        {"client_id": lease.client_id, "fence": lease.fence},
    ).scalar()
    if held is None:
        raise LeaseLost(
            f"another syncd has taken over client '{lease.client_id}'; nothing more is written here"
        )
    return held
