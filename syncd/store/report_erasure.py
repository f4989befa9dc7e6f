"""What the reports keep of an application that was erased, or deleted from the database."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# The later applications of the same person keep their number, and their days since the previous one.
_COUNT_ERASED = text(
    """
    UPDATE report_data.application r SET
        erased_before = r.erased_before + earlier.erased,
        erased_previous_date = greatest(r.erased_previous_date, earlier.last)
    FROM (
        SELECT later.application_key, count(*) AS erased, max(e.applied_date) AS last
        FROM report_data.application e
        JOIN report_data.application later
            ON later.client_id = e.client_id AND later.person_key = e.person_key
            AND (later.applied_at, later.profile_id) > (e.applied_at, e.profile_id)
        WHERE e.client_id = :client_id AND e.profile_id = ANY(:ids)
        GROUP BY 1
    ) AS earlier
    WHERE r.application_key = earlier.application_key
    """
)
# A rare value of a link may have been made for this person. What an apply link of the tenant, or the links of five
# applications, have in common tells nobody's name.
_FORGET = text(
    """
    WITH erased AS (
        SELECT application_key, job_reference, utm_source, utm_medium, utm_campaign, utm_content
        FROM report_data.application WHERE client_id = :client_id AND profile_id = ANY(:ids)
    ), value AS (
        SELECT 'utm_source' AS name, utm_source AS value FROM erased
        UNION SELECT 'utm_medium', utm_medium FROM erased
        UNION SELECT 'utm_campaign', utm_campaign FROM erased
        UNION SELECT 'utm_content', utm_content FROM erased
    ), kept AS (
        SELECT name, value FROM value
        WHERE value IN ('(none)', '(personal)')
        OR EXISTS (
            SELECT FROM ats.apply_link l WHERE l.client_id = :client_id AND value = CASE name
                WHEN 'utm_source' THEN report_data.shown(l.utm_source)
                WHEN 'utm_medium' THEN report_data.shown(l.utm_medium)
                WHEN 'utm_campaign' THEN report_data.shown(l.utm_campaign)
                ELSE report_data.shown(l.utm_content)
            END
        )
        OR (
            SELECT count(*) FROM (
                SELECT FROM report_data.application r WHERE r.client_id = :client_id AND value = CASE name
                    WHEN 'utm_source' THEN r.utm_source
                    WHEN 'utm_medium' THEN r.utm_medium
                    WHEN 'utm_campaign' THEN r.utm_campaign
                    ELSE r.utm_content
                END
                LIMIT 5
            ) AS shared
        ) = 5
    )
    UPDATE report_data.application r SET
        profile_id = NULL,
        applied_at = NULL,
        received_at = NULL,
        hours_to_received = NULL,
        cv_sha256 = NULL,
        person_key = NULL,
        option_ids = NULL,
        erased_on = (now() AT TIME ZONE 'UTC')::date,
        job_reference = CASE
            WHEN r.job_reference IN ('(none)', '(personal)') OR EXISTS (
                SELECT FROM ats.job j
                WHERE j.client_id = :client_id AND j.external_reference_id = r.job_reference AND j.origin <> 'stub'
            ) THEN r.job_reference
            ELSE '(erased)'
        END,
        utm_source = CASE WHEN ('utm_source', r.utm_source) IN (SELECT name, value FROM kept)
            THEN r.utm_source ELSE '(erased)' END,
        utm_medium = CASE WHEN ('utm_medium', r.utm_medium) IN (SELECT name, value FROM kept)
            THEN r.utm_medium ELSE '(erased)' END,
        utm_campaign = CASE WHEN ('utm_campaign', r.utm_campaign) IN (SELECT name, value FROM kept)
            THEN r.utm_campaign ELSE '(erased)' END,
        utm_content = CASE WHEN ('utm_content', r.utm_content) IN (SELECT name, value FROM kept)
            THEN r.utm_content ELSE '(erased)' END
    FROM erased
    WHERE r.application_key = erased.application_key
    """
)


def forget(connection: Connection, client_id: str, ids: Sequence[str]) -> None:
    """Keeps the day, the job, the interview and the figures of these applications, and drops who they were.

    Keeps the job only if your list or an apply link has it, and a utm value only if an apply link or five applications
    have it.
    """
    batch = {"client_id": client_id, "ids": list(ids)}
    connection.execute(_COUNT_ERASED, batch)
    connection.execute(_FORGET, batch)
