"""What the reports keep of an application that was erased, or deleted from the database."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# Of tables that were empty when Postgres last counted their rows, it believes that they still are, and that reading all of
# the table or an index costs no more than looking one row up. So each id is looked up by itself (see `applications.py`),
# `(...) IS TRUE` keeps an index of the client from being taken for one of persons, and `= ANY(ARRAY(...))` keeps an update
# from being joined to all rows.

# The later applications of the same person keep their number, and their days since the previous one.
_COUNT_ERASED = text(
    """
    WITH earlier AS MATERIALIZED (
        SELECT later.application_key, count(*) AS erased, max(e.erased_before) AS before, max(e.applied_date) AS last
        FROM unnest(CAST(:ids AS text[])) AS asked(id)
        CROSS JOIN LATERAL (
            SELECT profile_id, person_key, applied_at, applied_date, erased_before FROM report_data.application
            WHERE client_id = :client_id AND profile_id = asked.id LIMIT 1
        ) AS e
        CROSS JOIN LATERAL (
            SELECT application_key, applied_at, profile_id FROM report_data.application
            WHERE person_key = e.person_key AND (client_id = :client_id) IS TRUE
            OFFSET 0
        ) AS later
        WHERE (later.applied_at, later.profile_id) > (e.applied_at, e.profile_id)
        GROUP BY 1
    )
    UPDATE report_data.application r SET
        erased_before = greatest(r.erased_before, earlier.before) + earlier.erased,
        erased_previous_date = greatest(r.erased_previous_date, earlier.last)
    FROM earlier
    WHERE r.application_key = earlier.application_key
    AND r.application_key = ANY(ARRAY(SELECT application_key FROM earlier))
    """
)
# A rare answer may tell who gave it, so its text goes with the application. Its count stays, as an answer among others.
_ADD_OTHER = text(
    """
    INSERT INTO report_data.option (question_id, option)
    SELECT DISTINCT o.question_id, '(other)'
    FROM unnest(CAST(:ids AS text[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT option_ids FROM report_data.application
        WHERE client_id = :client_id AND profile_id = asked.id LIMIT 1
    ) AS e
    CROSS JOIN LATERAL unnest(e.option_ids) AS chosen(id)
    CROSS JOIN LATERAL (
        SELECT question_id FROM report_data.option WHERE option_id = chosen.id LIMIT 1
    ) AS o
    ON CONFLICT DO NOTHING
    """
)
_MOVE_RARE = text(
    """
    WITH given AS (
        SELECT e.applied_month AS month, o.question_id, o.option_id, count(*) AS n
        FROM unnest(CAST(:ids AS text[])) AS asked(id)
        CROSS JOIN LATERAL (
            SELECT applied_month, option_ids FROM report_data.application
            WHERE client_id = :client_id AND profile_id = asked.id LIMIT 1
        ) AS e
        CROSS JOIN LATERAL unnest(e.option_ids) AS chosen(id)
        CROSS JOIN LATERAL (
            SELECT question_id, option_id FROM report_data.option
            WHERE option_id = chosen.id AND option <> '(other)' LIMIT 1
        ) AS o
        WHERE (
            SELECT sum(applications) FROM report_data.option_count k
            WHERE k.client_id = :client_id AND k.question_id = o.question_id AND k.option_id = o.option_id
        ) < 5
        GROUP BY 1, 2, 3
    )
    INSERT INTO report_data.option_count AS k (client_id, month, question_id, option_id, applications)
    SELECT :client_id, g.month, g.question_id, other.option_id, sum(g.n)
    FROM given g
    CROSS JOIN LATERAL (
        SELECT option_id FROM report_data.option
        WHERE question_id = g.question_id AND option = '(other)' LIMIT 1
    ) AS other
    GROUP BY 2, 3, 4
    UNION ALL
    SELECT :client_id, month, question_id, option_id, -n FROM given
    ON CONFLICT (client_id, month, question_id, option_id) DO UPDATE
        SET applications = k.applications + excluded.applications
    """
)
_DROP_UNUSED = (
    text("DELETE FROM report_data.option_count WHERE client_id = :client_id AND applications <= 0"),
    text(
        """
        DELETE FROM report_data.option o USING report_data.question q
        WHERE q.client_id = :client_id AND q.question_id = o.question_id AND o.option_id NOT IN (
            SELECT option_id FROM report_data.option_count WHERE client_id = :client_id
        )
        """
    ),
)
# A rare value of a link may have been made for this person. What an apply link of the tenant, or the links of five people,
# have in common tells nobody's name, nor does a source that the tenant pays for.
_FORGET = text(
    """
    WITH erased AS MATERIALIZED (
        SELECT e.*
        FROM unnest(CAST(:ids AS text[])) AS asked(id)
        CROSS JOIN LATERAL (
            SELECT application_key, utm_source, utm_medium, utm_campaign, utm_content FROM report_data.application
            WHERE client_id = :client_id AND profile_id = asked.id LIMIT 1
        ) AS e
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
        OR name = 'utm_source' AND EXISTS (
            SELECT FROM ats.cost WHERE client_id = :client_id AND source = lower(value)
        )
        OR (
            SELECT count(*) FROM (
                SELECT DISTINCT coalesce(person_key, CAST(application_key AS text))
                FROM report_data.application r WHERE r.client_id = :client_id AND value = CASE name
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
    AND r.application_key = ANY(ARRAY(SELECT application_key FROM erased))
    """
)


def forget(connection: Connection, client_id: str, ids: Sequence[str]) -> None:
    """Keeps the day, the job, the interview and the figures of these applications, and drops who they were.

    Keeps the job only if your list or an apply link has it, and a utm value only if an apply link or five people have it,
    or if it is a source with costs. Keeps the days of the outcomes.
    What fewer than five have answered counts as any other answer from now on.
    """
    batch = {"client_id": client_id, "ids": list(ids)}
    connection.execute(_COUNT_ERASED, batch)
    for statement in (_ADD_OTHER, _MOVE_RARE, *_DROP_UNUSED):
        connection.execute(statement, batch)
    connection.execute(_FORGET, batch)
