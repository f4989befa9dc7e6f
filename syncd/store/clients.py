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
            "VALUES (:client_id, :label, :timezone, :retention_days, :raw_retention_days) "
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
