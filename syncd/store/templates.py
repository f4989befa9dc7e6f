"""Interview templates: what PitchYou offers now, and what it offered once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text

from syncd.model import Json, Template
from syncd.store import clients


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many templates were new, came back after a removal, were changed otherwise, and were removed."""

    new: int = 0
    returned: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """One row of `ats.job_template`."""

    client_id: str
    template_key: str
    description: str | None
    descriptions: Json
    first_seen_at: datetime
    last_seen_at: datetime
    removed_at: datetime | None


_RECORD = text(
    "INSERT INTO ats.job_template AS known (client_id, template_key, description, descriptions, raw) "
    "VALUES (:client_id, :template_key, :description, :descriptions, :raw) "
    "ON CONFLICT (client_id, template_key) DO UPDATE SET description = excluded.description, "
    "descriptions = excluded.descriptions, raw = excluded.raw, last_seen_at = now(), removed_at = NULL"
)


def record(
    connection: Connection, client_id: str, templates: Sequence[Template], *, removes: bool
) -> Recorded:
    """Bring the client's templates up to an answer of PitchYou.

    Args:
        templates: each key once.
        removes: whether what is not among them counts as removed. It keeps its row.
    """
    clients.lock(connection, client_id)  # two answers are taken in one after the other
    before = {
        row.template_key: row
        for row in connection.execute(
            text("SELECT template_key, raw, removed_at FROM ats.job_template WHERE client_id = :client_id"),
            {"client_id": client_id},
        )
    }
    listed = {template.template_key: template for template in templates}
    if listed:
        connection.execute(_RECORD, [_row(client_id, template) for template in templates])
    missing = [key for key, row in before.items() if row.removed_at is None and key not in listed]
    if removes and missing:
        connection.execute(
            text(
                "UPDATE ats.job_template SET removed_at = now() "
                "WHERE client_id = :client_id AND template_key = ANY(:missing)"
            ),
            {"client_id": client_id, "missing": missing},
        )
    known = [(before[key], template) for key, template in listed.items() if key in before]
    return Recorded(
        new=len(listed) - len(known),
        returned=sum(row.removed_at is not None for row, _ in known),
        changed=sum(row.removed_at is None and row.raw != template.raw for row, template in known),
        removed=len(missing) if removes else 0,
    )


def _row(client_id: str, template: Template) -> dict[str, object]:
    return {
        "client_id": client_id,
        "template_key": template.template_key,
        "description": template.description,
        "descriptions": None if template.descriptions is None else Jsonb(template.descriptions),
        "raw": Jsonb(template.raw),
    }


def listed(connection: Connection, client_ids: Sequence[str] | None = None) -> list[Known]:
    """The templates of these (or all) clients, those that are still offered first."""
    rows = connection.execute(
        text(
            "SELECT client_id, template_key, description, descriptions, first_seen_at, last_seen_at, removed_at "
            "FROM ats.job_template WHERE CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids) "
            "ORDER BY client_id, removed_at IS NOT NULL, template_key"
        ),
        {"client_ids": None if client_ids is None else list(client_ids)},
    )
    return [Known(**row._mapping) for row in rows]


def known_keys(connection: Connection, client_id: str) -> dict[str, bool]:
    """The client's template keys, and whether PitchYou still offers each."""
    rows = connection.execute(
        text(
            "SELECT template_key, removed_at IS NULL AS offered FROM ats.job_template WHERE client_id = :client_id"
        ),
        {"client_id": client_id},
    )
    return {row.template_key: row.offered for row in rows}
