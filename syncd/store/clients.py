"""The tenants as the configuration names them."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Registration:
    """What the configuration says of a client that reports need to know."""

    client_id: str
    label: str | None
    timezone: str
    retention_days: int | None
    raw_retention_days: int | None


_COLUMNS = "label, timezone, retention_days, raw_retention_days"
_VALUES = ":label, :timezone, :retention_days, :raw_retention_days"


def is_registered(connection: Connection, registration: Registration) -> bool:
    """Whether the client's row is as it should be. Takes no lock, so that a long import does not hold up the cycles."""
    return bool(
        connection.execute(
            text(
                f"SELECT EXISTS (SELECT FROM ats.client WHERE client_id = :client_id "
                f"AND ({_COLUMNS}) IS NOT DISTINCT FROM ({_VALUES}))"
            ),
            asdict(registration),
        ).scalar()
    )


def register(connection: Connection, registration: Registration) -> None:
    """Make the client's row, or bring it up to the configuration."""
    connection.execute(
        text(
            f"INSERT INTO ats.client (client_id, {_COLUMNS}) VALUES (:client_id, {_VALUES}) "
            f"ON CONFLICT (client_id) DO UPDATE SET ({_COLUMNS}) = ROW ({_VALUES})"
        ),
        asdict(registration),
    )


def lock(connection: Connection, client_id: str) -> None:
    """Make the client's row if there is none yet, and hold it until the transaction ends.

    So those who write for a client beside its cycle do it one after the other. A cycle waits for them only when it
    has to bring this row up to a configuration that has changed.
    """
    connection.execute(
        text("INSERT INTO ats.client (client_id) VALUES (:client_id) ON CONFLICT DO NOTHING"),
        {"client_id": client_id},
    )
    connection.execute(
        text("SELECT FROM ats.client WHERE client_id = :client_id FOR NO KEY UPDATE"),
        {"client_id": client_id},
    )
