"""Files that are sent in place of a CV: a form, or a blank page, that many people have."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# The same bytes from five people are a form or a blank page. The rows that counted them as a CV become due again.
# Why IS TRUE: see `report_erasure.py`.
_FIND_PLACEHOLDERS = text(
    """
    WITH found AS (
        INSERT INTO report_data.placeholder_cv (client_id, sha256)
        SELECT :client_id, digest FROM unnest(CAST(:digests AS bytea[])) AS seen(digest)
        WHERE NOT EXISTS (
            SELECT FROM report_data.placeholder_cv WHERE client_id = :client_id AND sha256 = digest
        )
        AND (
            SELECT count(DISTINCT person) FROM (
                SELECT coalesce(person_key, profile_id) AS person FROM report_data.application
                WHERE cv_sha256 = digest AND (client_id = :client_id) IS TRUE
                OFFSET 0
            ) AS x
        ) >= 5
        ON CONFLICT DO NOTHING
        RETURNING sha256
    )
    INSERT INTO report_data.due (client_id, profile_id)
    SELECT :client_id, r.profile_id FROM found
    CROSS JOIN LATERAL (
        SELECT profile_id FROM report_data.application
        WHERE cv_sha256 = found.sha256 AND (client_id = :client_id) IS TRUE AND profile_id IS NOT NULL
        OFFSET 0
    ) AS r
    ON CONFLICT DO NOTHING
    """
)


def find(connection: Connection, client_id: str, digests: Sequence[bytes]) -> None:
    """Finds out which of these CVs, by their SHA-256, at least five people have sent."""
    connection.execute(_FIND_PLACEHOLDERS, {"client_id": client_id, "digests": list(digests)})
