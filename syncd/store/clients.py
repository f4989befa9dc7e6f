"""The clients (tenants) of the configuration."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

from syncd.errors import AnotherServer


@dataclass(frozen=True, slots=True)
class Registration:
    """What the configuration says about a client that reports need to know."""

    label: str | None
    timezone: str
    retention_days: int | None
    raw_retention_days: int | None
    server: str
    cycle_gap_seconds: int | None = None


_IS_REGISTERED = text(
    """
    SELECT EXISTS (
        SELECT FROM ats.client
        WHERE client_id = :client_id
        AND (label, timezone, retention_days, raw_retention_days, server, cycle_gap_seconds)
            IS NOT DISTINCT FROM (:label, :timezone, :retention_days, :raw_retention_days, :server, :cycle_gap_seconds)
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
    INSERT INTO ats.client (client_id, label, timezone, retention_days, raw_retention_days, server, cycle_gap_seconds)
    VALUES (:client_id, :label, :timezone, :retention_days, :raw_retention_days, :server, :cycle_gap_seconds)
    ON CONFLICT (client_id) DO UPDATE
        SET (label, timezone, retention_days, raw_retention_days, server, cycle_gap_seconds)
            = ROW (:label, :timezone, :retention_days, :raw_retention_days, :server, :cycle_gap_seconds)
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


_SERVER = text(
    """
    SELECT server FROM ats.client c
    WHERE client_id = :client_id AND EXISTS (SELECT FROM ats.application WHERE client_id = c.client_id)
    """
)


def server_of(connection: Connection, client_id: str) -> str | None:
    """Returns the server that the client's applications came from; None if there are none."""
    server: str | None = connection.execute(_SERVER, {"client_id": client_id}).scalar()
    return server


def require_server(connection: Connection, client_id: str, server: str) -> None:
    """Raises `AnotherServer` unless the client's applications came from `server`, or there are none yet.

    Another server may give the same ids to other people, such as a test system that numbers its applications from 1.
    """
    known = server_of(connection, client_id)
    if known is not None and known != server:
        raise AnotherServer(
            f"the applications of client '{client_id}' came from {known}, but base_url is {server} now, where the same "
            f"ids may belong to other people. If it is the same tenant, run `syncd accept-server --client {client_id}`. "
            "Otherwise, correct base_url or use another database."
        )


_ACCEPT_SERVER = text("UPDATE ats.client SET server = :server WHERE client_id = :client_id")


def accept_server(connection: Connection, client_id: str, server: str) -> str | None:
    """Records that the client's applications come from `server` from now on. Returns the server before."""
    before = server_of(connection, client_id)
    connection.execute(_ACCEPT_SERVER, {"client_id": client_id, "server": server})
    return before
