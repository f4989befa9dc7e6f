"""The state of each client, read from indexes that stay small however many applications there are."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, text


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """What an operator needs to know about a client. Ages are in seconds, by the database's clock.

    `failures` counts the cycles that failed since the last good one. `next_start_at` is None if no daemon has noted it.
    """

    client_id: str
    last_ok_at: datetime | None
    last_ok_age: float | None
    last_started_at: datetime | None
    last_outcome: str | None
    last_error: str | None
    failures: int
    next_start_at: datetime | None
    unconfirmed: int
    oldest_unconfirmed_at: datetime | None
    oldest_unconfirmed_age: float | None
    confirm_refused: int
    pending_media: int
    oldest_pending_age: float | None
    quarantined: int
    holder: str | None


_STATE = """
    LEFT JOIN ops.client_state s ON s.client_id = c.client_id
    """
# Schemas before 0010 have a row in ops.cycle for each cycle instead.
_STATE_BEFORE_0010 = """
    LEFT JOIN LATERAL (
        SELECT false AS is_running, started_at AS last_started_at, outcome AS last_outcome,
               error_message AS last_error_message, 0 AS failures, CAST(NULL AS timestamptz) AS next_start_at,
               (
                   SELECT finished_at FROM ops.cycle
                   WHERE client_id = c.client_id AND outcome IN ('ok', 'partial')
                   ORDER BY started_at DESC LIMIT 1
               ) AS last_good_at
        FROM ops.cycle
        WHERE client_id = c.client_id
        ORDER BY started_at DESC LIMIT 1
    ) s ON true
    """
_QUERY = """
    SELECT c.client_id,
           s.last_good_at AS last_ok_at,
           CAST(extract(epoch FROM now() - s.last_good_at) AS double precision) AS last_ok_age,
           s.last_started_at,
           CASE WHEN s.is_running THEN 'running' ELSE s.last_outcome END AS last_outcome,
           CASE WHEN NOT s.is_running THEN s.last_error_message END AS last_error,
           coalesce(s.failures, 0) AS failures,
           s.next_start_at,
           coalesce(open.n, 0) AS unconfirmed,
           open.oldest AS oldest_unconfirmed_at,
           CAST(extract(epoch FROM now() - open.oldest) AS double precision) AS oldest_unconfirmed_age,
           coalesce(open.refused, 0) AS confirm_refused,
           late.n AS pending_media,
           CAST(extract(epoch FROM now() - late.oldest) AS double precision) AS oldest_pending_age,
           (SELECT count(*) FROM ops.quarantine q WHERE q.client_id = c.client_id AND q.resolved_at IS NULL)
               AS quarantined,
           (SELECT holder FROM ops.lease l WHERE l.client_id = c.client_id AND l.expires_at >= now()) AS holder
    FROM unnest(CAST(:client_ids AS text[])) WITH ORDINALITY AS c(client_id, position)
    {state}
    LEFT JOIN LATERAL (
        SELECT count(*) AS n,
               min(CASE confirmed_revision WHEN 0 THEN first_seen_at ELSE changed_at END) AS oldest,
               count(*) FILTER (WHERE confirm_error IS NOT NULL) AS refused
        FROM ats.application WHERE client_id = c.client_id AND revision > confirmed_revision
    ) open ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS n,
               min(coalesce(m.missing_since, CASE WHEN a.revision > a.confirmed_revision THEN a.changed_at END))
                   AS oldest
        FROM ats.media m JOIN ats.application a USING (client_id, profile_id)
        WHERE m.client_id = c.client_id AND m.state = 'pending'
    ) late ON true
    ORDER BY c.position
    """
_OF_CLIENTS = text(_QUERY.format(state=_STATE))
_OF_CLIENTS_BEFORE_0010 = text(_QUERY.format(state=_STATE_BEFORE_0010))
_HAS_STATE = text(
    "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'ops' AND tablename = 'client_state')"
)


def of_clients(connection: Connection, client_ids: list[str]) -> list[ClientStatus]:
    """Returns the status of each client, in the given order. A client that was never synced has no times."""
    return _asked(connection, _OF_CLIENTS, client_ids)


def of_clients_of_any_schema(connection: Connection, client_ids: list[str]) -> list[ClientStatus]:
    """Returns the same also if the schema is one of an older syncd. `failures` is 0 before schema 0010."""
    has_state = connection.execute(_HAS_STATE).scalar_one()
    return _asked(connection, _OF_CLIENTS if has_state else _OF_CLIENTS_BEFORE_0010, client_ids)


def _asked(connection: Connection, query: TextClause, client_ids: list[str]) -> list[ClientStatus]:
    return [ClientStatus(**row._mapping) for row in connection.execute(query, {"client_ids": client_ids})]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is open for a client: entries in quarantine, files, and confirms."""

    quarantined: int
    pending: int
    rejected: int
    unconfirmed: int

    def __bool__(self) -> bool:
        return any((self.quarantined, self.pending, self.rejected, self.unconfirmed))


_SHORTFALL = text(
    """
    SELECT (SELECT count(*) FROM ops.quarantine WHERE client_id = :client_id AND resolved_at IS NULL) AS quarantined,
           count(*) FILTER (WHERE state = 'pending') AS pending,
           count(*) FILTER (WHERE state = 'rejected') AS rejected,
           (SELECT count(*) FROM ats.application WHERE client_id = :client_id AND revision > confirmed_revision)
               AS unconfirmed
    FROM ats.media WHERE client_id = :client_id AND state IN ('pending', 'rejected')
    """
)


def shortfall(connection: Connection, client_id: str) -> Shortfall:
    """Counts what keeps applications of this client from being confirmed."""
    row = connection.execute(_SHORTFALL, {"client_id": client_id}).one()
    return Shortfall(**row._mapping)
