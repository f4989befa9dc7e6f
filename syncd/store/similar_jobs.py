"""Finds references that are new, but resemble a known job: spreadsheets remove leading zeros, people add blanks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text

# References are similar if they differ only in leading zeros, case, blanks, invisible characters, the kind of dash, and
# how Unicode spells a letter: programs turn a hyphen into a dash, and a Mac splits an umlaut in two.
_PLAIN = r"""ltrim(
                regexp_replace(
                    translate(lower(normalize({reference}, NFKC)), '‐‑‒–—−', '------'),
                    '[\s\u00ad\u200b-\u200f\u2060\ufeff]', '', 'g'
                ),
                '0'
            )"""
# {listed} selects line_no and reference.
_SIMILAR = r"""
    WITH listed AS (
        {listed}
    ), fresh AS (
        SELECT line_no, reference,
            {plain} AS plain
        FROM listed
        WHERE NOT EXISTS (SELECT FROM ats.job WHERE client_id = :client_id AND external_reference_id = reference)
    ), known AS (
        SELECT external_reference_id,
            {plain_known} AS plain
        FROM ats.job WHERE client_id = :client_id
    )
    SELECT line_no, reference, min(external_reference_id COLLATE "C") AS known, count(*) OVER () AS total
    FROM fresh JOIN known USING (plain)
    GROUP BY line_no, reference
    ORDER BY line_no
    LIMIT :limit
    """


def _similar_among(listed: str) -> TextClause:
    plain, plain_known = (_PLAIN.format(reference=name) for name in ("reference", "external_reference_id"))
    return text(_SIMILAR.format(listed=listed, plain=plain, plain_known=plain_known))


_SIMILAR_IN_LIST = _similar_among("SELECT line_no, external_reference_id AS reference FROM pg_temp.job_list")
_SIMILAR_TO_THESE = _similar_among(
    "SELECT * FROM unnest(CAST(:line_nos AS bigint[]), CAST(:references AS text[])) AS given(line_no, reference)"
)


@dataclass(frozen=True, slots=True)
class Similar:
    """A line whose reference is new, but similar to a known one, as spreadsheets change references."""

    line_no: int
    reference: str
    known: str


def similar_in_list(connection: Connection, client_id: str, limit: int) -> tuple[int, list[Similar]]:
    """Selects such lines of the loaded list, before it is merged: returns their number, and the first `limit` of them."""
    return _similar(connection.execute(_SIMILAR_IN_LIST, {"client_id": client_id, "limit": limit}))


def similar_to(
    connection: Connection, client_id: str, references: Sequence[tuple[int, str]], limit: int
) -> tuple[int, list[Similar]]:
    """Selects such lines among these line numbers and references, as `similar_in_list` does."""
    line_nos, texts = [line_no for line_no, _ in references], [reference for _, reference in references]
    these = {"line_nos": line_nos, "references": texts}
    return _similar(connection.execute(_SIMILAR_TO_THESE, {"client_id": client_id, "limit": limit} | these))


def _similar(result: CursorResult[Any]) -> tuple[int, list[Similar]]:
    found = result.all()
    return found[0].total if found else 0, [Similar(row.line_no, row.reference, row.known) for row in found]
