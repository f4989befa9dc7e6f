"""Who works for which client: a lease with a fencing number, one row for each client.

A daemon takes a lease once, renews it while it lives, and releases it when it ends. Every transaction that writes for a
client first calls `require`, which refuses a process that was frozen while another process took over.

The lock on a lease's row does not say which client a transaction works for. So a transaction that locks the row also
says so by its `application_name`, until it ends. `end_stuck_transactions` finds it by that name. No lock is taken that
another login could take.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.errors import LeaseLost


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work for a client. `fence` grows with every new holder."""

    client_id: str
    holder: str
    fence: int


# Postgres cuts the name after 63 bytes.
_LOCK = text(
    """
    SELECT set_config('application_name', left('syncd/' || client_id, 63), true)
    FROM ops.lease WHERE client_id = :client_id FOR UPDATE
    """
)
_ACQUIRE = text(
    """
    INSERT INTO ops.lease AS held (client_id, holder, fence, expires_at)
    VALUES (:client_id, :holder, 1, clock_timestamp() + make_interval(secs => :ttl))
    ON CONFLICT (client_id) DO UPDATE
        SET holder = excluded.holder, fence = held.fence + 1, expires_at = excluded.expires_at
        WHERE held.expires_at < clock_timestamp() OR held.holder IN (:abandoned, excluded.holder)
    RETURNING fence
    """
)


def lock(connection: Connection, client_id: str) -> None:
    """Waits for the transactions under the client's lease, and holds up the next ones until this transaction ends."""
    connection.execute(_LOCK, {"client_id": client_id})


def acquire(
    connection: Connection, client_id: str, holder: str, *, ttl: float, abandoned: str | None = None
) -> Lease | None:
    """Takes the client's lease if it is free, has expired, or belongs to `holder` already.

    (The holder may already own it if the reply to an earlier COMMIT was lost.)

    Args:
        ttl: seconds after which others may take it, unless it is renewed.
        abandoned: a holder that is known to be dead, whose lease need not expire first.

    Returns:
        The lease, or None while another holds it.
    """
    lock(connection, client_id)
    fence = connection.execute(
        _ACQUIRE, {"client_id": client_id, "holder": holder, "ttl": ttl, "abandoned": abandoned}
    ).scalar()
    return None if fence is None else Lease(client_id, holder, fence)


_END_STUCK = text(
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = left('syncd/' || :client_id, 63) AND pid != pg_backend_pid()
    AND usename = current_user AND datname = current_database()
    AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - interval '5 s'
    AND EXISTS (
        SELECT FROM ops.lease WHERE client_id = :client_id AND expires_at < clock_timestamp()
    )
    """
)


def end_stuck_transactions(connection: Connection, client_id: str) -> None:
    """Ends the sessions whose transactions still lock a lease that has expired.

    A process that was frozen, or whose host is gone, may leave a session in the middle of a transaction or of a COPY.
    Postgres ends an idle transaction after a minute, but never a COPY. A session that works is left alone.
    """
    connection.execute(_END_STUCK, {"client_id": client_id})


_HOLDER = text(
    "SELECT holder FROM ops.lease WHERE client_id = :client_id AND expires_at >= clock_timestamp()"
)


def holder_of(connection: Connection, client_id: str) -> str | None:
    """Returns who holds the client's lease now, or None."""
    return connection.execute(_HOLDER, {"client_id": client_id}).scalar()


_RENEW = text(
    """
    UPDATE ops.lease SET expires_at = clock_timestamp() + make_interval(secs => :ttl)
    WHERE client_id = :client_id AND fence = :fence AND holder = :holder
    RETURNING set_config('application_name', left('syncd/' || client_id, 63), true)
    """
)


def renew(connection: Connection, lease: Lease, *, ttl: float) -> bool:
    """Extends the lease to `ttl` seconds from now; returns False if another has taken it."""
    renewed = connection.execute(
        _RENEW, {"client_id": lease.client_id, "fence": lease.fence, "holder": lease.holder, "ttl": ttl}
    )
    return renewed.first() is not None


_RELEASE = text(
    """
    UPDATE ops.lease SET expires_at = '-infinity'
    WHERE client_id = :client_id AND fence = :fence AND holder = :holder
    """
)


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back, so that the next holder need not wait for it to expire."""
    connection.execute(_RELEASE, {"client_id": lease.client_id, "fence": lease.fence, "holder": lease.holder})


# A lock on the key alone does not block a renewal, however long the transaction takes.
_REQUIRE = text(
    """
    SELECT set_config('application_name', left('syncd/' || client_id, 63), true)
    FROM ops.lease WHERE client_id = :client_id AND fence = :fence FOR KEY SHARE
    """
)


def require(connection: Connection, lease: Lease) -> None:
    """Raises `LeaseLost` unless the lease is still ours, and keeps it ours until this transaction ends."""
    held = connection.execute(_REQUIRE, {"client_id": lease.client_id, "fence": lease.fence})
    if held.first() is None:
        raise _lost(lease)


_REQUIRE_NOW = text(
    """
    SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)
    FROM ops.lease WHERE client_id = :client_id AND fence = :fence
    """
)


def require_now(connection: Connection, lease: Lease) -> float:
    """Raises `LeaseLost` unless the lease is ours at this moment. Takes no lock, so that Postgres has nothing to write.

    Returns:
        This moment, in seconds of Postgres' clock.
    """
    now: float | None = connection.execute(
        _REQUIRE_NOW, {"client_id": lease.client_id, "fence": lease.fence}
    ).scalar()
    if now is None:
        raise _lost(lease)
    return now


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"another syncd has taken over client '{lease.client_id}'; this one writes nothing more for it"
    )
