"""Interview templates: those that PitchYou offers now, and those that it offered earlier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text

from syncd.model import Json, Template
from syncd.store import clients


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many templates were new, offered again after a removal, changed, and removed."""

    new: int = 0
    returned: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A row of `ats.job_template`."""

    client_id: str
    template_key: str
    description: str | None
    descriptions: Json
    first_seen_at: datetime
    last_seen_at: datetime
    removed_at: datetime | None


_KNOWN = text("SELECT template_key, raw, removed_at FROM ats.job_template WHERE client_id = :client_id")
_RECORD = text(
    """
    INSERT INTO ats.job_template (client_id, template_key, description, descriptions, raw)
    VALUES (:client_id, :template_key, :description, :descriptions, :raw)
    ON CONFLICT (client_id, template_key) DO UPDATE SET
        description = excluded.description,
        descriptions = excluded.descriptions,
        raw = excluded.raw,
        last_seen_at = now(),
        removed_at = NULL
    """
)
_REMOVE = text(
    """
    UPDATE ats.job_template SET removed_at = now()
    WHERE client_id = :client_id AND template_key = ANY(:missing)
    """
)


def record(
    connection: Connection, client_id: str, templates: Sequence[Template], *, removes: bool
) -> Recorded:
    """Updates the client's templates to an answer of PitchYou.

    Args:
        templates: each key once.
        removes: whether to mark templates that are not among them as removed. They keep their rows.
    """
    # Two processes that record an answer take turns.
    clients.lock(connection, client_id)
    before = {row.template_key: row for row in connection.execute(_KNOWN, {"client_id": client_id})}
    listed = {template.template_key: template for template in templates}
    if listed:
        connection.execute(_RECORD, [_row(client_id, template) for template in templates])
    missing = [key for key, row in before.items() if row.removed_at is None and key not in listed]
    if removes and missing:
        connection.execute(_REMOVE, {"client_id": client_id, "missing": missing})
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


_LISTED = text(
    """
    SELECT client_id, template_key, description, descriptions, first_seen_at, last_seen_at, removed_at
    FROM ats.job_template
    WHERE CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids)
    ORDER BY client_id, removed_at IS NOT NULL, template_key
    """
)


def listed(connection: Connection, client_ids: Sequence[str] | None = None) -> list[Known]:
    """Selects the templates of these (or all) clients; those that PitchYou still offers come first."""
    ids = None if client_ids is None else list(client_ids)
    rows = connection.execute(_LISTED, {"client_ids": ids})
    return [Known(**row._mapping) for row in rows]


_KNOWN_KEYS = text(
    "SELECT template_key, removed_at IS NULL AS offered FROM ats.job_template WHERE client_id = :client_id"
)


def known_keys(connection: Connection, client_id: str) -> dict[str, bool]:
    """Returns the client's template keys, and whether PitchYou still offers each."""
    rows = connection.execute(_KNOWN_KEYS, {"client_id": client_id})
    return {row.template_key: row.offered for row in rows}
