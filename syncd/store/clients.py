"""The clients (tenants) of the configuration."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Registration:
    """What the configuration says about a client that reports need to know."""

    label: str | None
    timezone: str
    retention_days: int | None
    raw_retention_days: int | None


_IS_REGISTERED = text(
    """
    SELECT EXISTS (
        SELECT FROM ats.client
        WHERE client_id = :client_id
        AND (label, timezone, retention_days, raw_retention_days)
            IS NOT DISTINCT FROM (:label, :timezone, :retention_days, :raw_retention_days)
    )
    """
)


def is_registered(connection: Connection, client_id: str, registration: Registration) -> bool:
    """Whether the client's row agrees with the configuration. Takes no lock, so that no import holds up the cycles."""
    registered: bool = connection.execute(
        _IS_REGISTERED, {"client_id": client_id} | asdict(registration)
    ).scalar_one()
    return registered


_REGISTER = text(
    """
    INSERT INTO ats.client (client_id, label, timezone, retention_days, raw_retention_days)
    VALUES (:client_id, :label, :timezone, :retention_days, :raw_retention_days)
    ON CONFLICT (client_id) DO UPDATE
        SET (label, timezone, retention_days, raw_retention_days)
            = ROW (:label, :timezone, :retention_days, :raw_retention_days)
    """
)


def register(connection: Connection, client_id: str, registration: Registration) -> None:
    """Inserts the client's row, or updates it to the configuration."""
    connection.execute(_REGISTER, {"client_id": client_id} | asdict(registration))


_ADD = text("INSERT INTO ats.client (client_id) VALUES (:client_id) ON CONFLICT DO NOTHING")
_LOCK = text("SELECT FROM ats.client WHERE client_id = :client_id FOR NO KEY UPDATE")


def lock(connection: Connection, client_id: str) -> None:
    """Inserts the client's row if it is missing, and locks it until the transaction ends.

    So two writers for one client beside its cycle take turns. A cycle waits for them only if the configuration has
    changed, since it must update the row then.
    """
    connection.execute(_ADD, {"client_id": client_id})
    connection.execute(_LOCK, {"client_id": client_id})
