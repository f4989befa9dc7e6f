"""The tenants as the configuration names them."""

from sqlalchemy import Connection, text


def register(
    connection: Connection,
    client_id: str,
    *,
    label: str | None,
    timezone: str,
    retention_days: int | None,
    raw_retention_days: int | None,
) -> None:
    """Make the client's row, or bring it up to the configuration; unchanged, it is not written."""
    connection.execute(
        text(
            "INSERT INTO ats.client AS known (client_id, label, timezone, retention_days, raw_retention_days) "
            "SELECT :client_id, :label, :timezone, :retention_days, :raw_retention_days "
            # Without a difference not even a lock is taken, so that a long import does not hold up the cycles.
            "WHERE NOT EXISTS (SELECT FROM ats.client WHERE client_id = :client_id "
            "AND (label, timezone, retention_days, raw_retention_days) IS NOT DISTINCT FROM "
            "(:label, :timezone, :retention_days, :raw_retention_days)) "
            "ON CONFLICT (client_id) DO UPDATE SET label = excluded.label, timezone = excluded.timezone, "
            "retention_days = excluded.retention_days, raw_retention_days = excluded.raw_retention_days "
            "WHERE (known.label, known.timezone, known.retention_days, known.raw_retention_days) IS DISTINCT FROM "
            "(excluded.label, excluded.timezone, excluded.retention_days, excluded.raw_retention_days)"
        ),
        {
            "client_id": client_id,
            "label": label,
            "timezone": timezone,
            "retention_days": retention_days,
            "raw_retention_days": raw_retention_days,
        },
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
