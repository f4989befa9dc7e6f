"""What sources cost: prepares a list for `ats.cost`, and reads the stored amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from syncd.store import tables
from syncd.store.lists import ListTable

LIST = ListTable("cost_list", tables.cost, ("month", "source", "currency"), ("amount",))
# A complete list is complete for its months.
LISTED_MONTHS = "month IN (SELECT month FROM pg_temp.cost_list)"


@dataclass(frozen=True, slots=True)
class CostLine:
    """A stored amount, in units of `currency`. `month` is the first day of the month, `imported_at` is in UTC."""

    client_id: str
    month: date
    source: str
    currency: str
    amount: Decimal
    imported_at: datetime


# As the views of `report` fold the sources of applications, so that both are equal. Each source is looked at once.
_FOLD = text(
    """
    WITH known AS MATERIALIZED (
        SELECT source, report_data.shown(source) AS shown
        FROM (SELECT DISTINCT source FROM pg_temp.cost_list WHERE source IS NOT NULL) AS listed
    ), folded AS (
        UPDATE pg_temp.cost_list AS list SET source = CASE
            WHEN known.shown <> '(personal)' OR known.source = '(personal)' THEN lower(known.shown)
        END
        FROM known WHERE known.source = list.source AND known.source <> lower(known.shown)
        RETURNING line_no, list.source AS becomes
    )
    SELECT line_no, count(*) OVER () AS total FROM folded WHERE becomes IS NULL
    ORDER BY line_no
    LIMIT :limit
    """
)


def fold_sources(connection: Connection, limit: int) -> tuple[list[int], int]:
    """Turns the sources of the loaded list into what reports show.

    Returns:
        At most `limit` lines whose source reports hide, since it holds an address or a number to call, and the number of
        all such lines. Their source is null now.
    """
    found = connection.execute(_FOLD, {"limit": limit}).all()
    return [row.line_no for row in found], found[0].total if found else 0


_LISTED = text(
    """
    SELECT client_id, month, source, currency, amount, imported_at FROM ats.cost
    WHERE CAST(:client_ids AS text[]) IS NULL OR client_id = ANY(:client_ids)
    ORDER BY client_id, month DESC, source, currency
    """
)


def listed(connection: Connection, client_ids: Sequence[str] | None = None) -> list[CostLine]:
    """Selects the amounts of these (or all) clients, newest month first."""
    ids = None if client_ids is None else list(client_ids)
    return [CostLine(**row._mapping) for row in connection.execute(_LISTED, {"client_ids": ids})]
