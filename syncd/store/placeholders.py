"""Files that are sent in place of a CV: a form, or a blank page, that many people have."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.store import leases


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A file on which somebody has decided whether it is a CV, and how many have sent it as theirs.

    `sha256` is in hexadecimal. `decided_by` is `rule` or an account.
    """

    client_id: str
    sha256: str
    is_placeholder: bool
    decided_by: str
    applications: int
    applicants: int


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


_LISTED = text(
    """
    SELECT p.client_id, encode(p.sha256, 'hex') AS sha256, p.is_placeholder, p.decided_by, sent.*
    FROM report_data.placeholder_cv p
    CROSS JOIN LATERAL (
        SELECT count(*) AS applications, count(DISTINCT person) AS applicants FROM (
            SELECT coalesce(person_key, profile_id) AS person FROM report_data.application
            WHERE cv_sha256 = p.sha256 AND (client_id = p.client_id) IS TRUE
            OFFSET 0
        ) AS x
    ) AS sent
    WHERE p.client_id = :client_id
    ORDER BY sent.applicants DESC, p.sha256
    """
)


def listed(connection: Connection, client_id: str) -> list[Placeholder]:
    """Selects the client's files that were decided on, those of the most applicants first."""
    return [Placeholder(**row._mapping) for row in connection.execute(_LISTED, {"client_id": client_id})]


# A file that one applicant alone has sent tells who that was, also when the application is erased.
_OVERRULE = text(
    """
    WITH sender AS MATERIALIZED (
        SELECT DISTINCT m.profile_id, coalesce(a.person_key, m.profile_id) AS person
        FROM ats.media m
        CROSS JOIN LATERAL (
            SELECT FROM ats.attachment
            WHERE client_id = :client_id AND profile_id = m.profile_id AND media_id = m.media_id AND role = 'cv' LIMIT 1
        ) AS t
        CROSS JOIN LATERAL (
            SELECT person_key FROM ats.application
            WHERE client_id = :client_id AND profile_id = m.profile_id AND erased_at IS NULL LIMIT 1
        ) AS a
        WHERE m.client_id = :client_id AND m.state = 'stored' AND m.sha256 = decode(:sha256, 'hex')
    ), sent AS (
        SELECT count(*) AS applications, count(DISTINCT person) AS applicants FROM sender
    ), decided AS (
        INSERT INTO report_data.placeholder_cv (client_id, sha256, is_placeholder, decided_by)
        SELECT :client_id, decode(:sha256, 'hex'), :is_placeholder, :decided_by FROM sent
        WHERE applicants > 1 OR EXISTS (
            SELECT FROM report_data.placeholder_cv WHERE client_id = :client_id AND sha256 = decode(:sha256, 'hex')
        )
        ON CONFLICT (client_id, sha256) DO UPDATE SET
            is_placeholder = excluded.is_placeholder,
            decided_by = excluded.decided_by,
            decided_at = now()
        RETURNING client_id, is_placeholder
    ), noted AS (
        INSERT INTO report_data.due (client_id, profile_id)
        SELECT decided.client_id, sender.profile_id FROM decided CROSS JOIN sender
        ON CONFLICT DO NOTHING
    )
    SELECT client_id, :sha256 AS sha256, is_placeholder, :decided_by AS decided_by, applications, applicants
    FROM decided CROSS JOIN sent
    """
)


def overrule(
    connection: Connection, client_id: str, sha256: str, *, is_placeholder: bool, decided_by: str
) -> Placeholder | None:
    """Stores an operator's decision, which the rule leaves as it is, and makes the rows due that have this file.

    Returns None, and changes nothing, if the file is not listed and fewer than two applicants have sent it as their CV.

    Args:
        sha256: of the file, in hexadecimal.
    """
    # A cycle may be computing their rows now.
    leases.lock(connection, client_id)
    row = connection.execute(
        _OVERRULE,
        {
            "client_id": client_id,
            "sha256": sha256,
            "is_placeholder": is_placeholder,
            "decided_by": decided_by,
        },
    ).one_or_none()
    return None if row is None else Placeholder(**row._mapping)
