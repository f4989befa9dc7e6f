"""The state of each client, read from indexes that stay small however many applications there are."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """What an operator needs to know about a client. Ages are in seconds, by the database's clock."""

    client_id: str
    last_ok_at: datetime | None
    last_ok_age: float | None
    last_started_at: datetime | None
    last_outcome: str | None
    last_error: str | None
    unconfirmed: int
    oldest_unconfirmed_at: datetime | None
    oldest_unconfirmed_age: float | None
    confirm_refused: int
    pending_media: int
    quarantined: int
    holder: str | None


_QUERY = text(
    """
    SELECT c.client_id,
           ok.at AS last_ok_at,
           CAST(extract(epoch FROM now() - ok.at) AS double precision) AS last_ok_age,
           last.started_at AS last_started_at, last.outcome AS last_outcome, last.error_message AS last_error,
           coalesce(open.n, 0) AS unconfirmed,
           open.oldest AS oldest_unconfirmed_at,
           CAST(extract(epoch FROM now() - open.oldest) AS double precision) AS oldest_unconfirmed_age,
           coalesce(open.refused, 0) AS confirm_refused,
           (SELECT count(*) FROM ats.media m WHERE m.client_id = c.client_id AND m.state = 'pending')
               AS pending_media,
           (SELECT count(*) FROM ops.quarantine q WHERE q.client_id = c.client_id AND q.resolved_at IS NULL)
               AS quarantined,
           (SELECT holder FROM ops.lease l WHERE l.client_id = c.client_id AND l.expires_at >= now()) AS holder
    FROM unnest(CAST(:client_ids AS text[])) WITH ORDINALITY AS c(client_id, position)
    LEFT JOIN LATERAL (
        SELECT finished_at AS at FROM ops.cycle
        WHERE client_id = c.client_id AND outcome IN ('ok', 'partial')
        ORDER BY started_at DESC LIMIT 1
    ) ok ON true
    LEFT JOIN LATERAL (
        SELECT started_at, outcome, error_message FROM ops.cycle
        WHERE client_id = c.client_id
        ORDER BY started_at DESC LIMIT 1
    ) last ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS n,
               min(CASE confirmed_revision WHEN 0 THEN first_seen_at ELSE changed_at END) AS oldest,
               count(*) FILTER (WHERE confirm_error IS NOT NULL) AS refused
        FROM ats.application WHERE client_id = c.client_id AND revision > confirmed_revision
    ) open ON true
    ORDER BY c.position
    """
)


def of_clients(connection: Connection, client_ids: list[str]) -> list[ClientStatus]:
    """Returns the status of each client, in the given order. A client that was never synced has no times."""
    return [ClientStatus(**row._mapping) for row in connection.execute(_QUERY, {"client_ids": client_ids})]


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
