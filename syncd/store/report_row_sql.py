"""The statement that computes rows of the reports from the present state of their applications."""

from sqlalchemy import text

from syncd.store.single_answers import SINGLE_ANSWERS

# The LATERAL with LIMIT 1 makes Postgres look up each id in the primary key, see `applications.py`.
# Of a row that changes its person, `before` gives the person that it had.
WRITE = text(
    f"""
    WITH before AS (
        SELECT r.profile_id, r.person_key, r.applied_month, r.option_ids
        FROM unnest(CAST(:ids AS text[])) AS asked(id)
        CROSS JOIN LATERAL (
            SELECT profile_id, person_key, applied_month, option_ids FROM report_data.application
            WHERE client_id = :client_id AND profile_id = asked.id LIMIT 1
        ) AS r
    ), written AS (
        INSERT INTO report_data.application AS r (
            client_id, profile_id, job_reference, template_key, utm_source, utm_medium, utm_campaign, utm_content,
            language, applied_at, applied_date, applied_month, applied_at_is_estimated, received_at,
            hours_to_received, seconds_to_confirm, is_confirmed, revision, questions, answers, files, files_missing,
            cv_sha256, has_cv, has_image, has_video, person_key, application_no, option_ids, screened_on, interviewed_on,
            offered_on, hired_on, rejected_on, withdrawn_on
        )
        SELECT
            :client_id,
            a.profile_id,
            CASE
                WHEN j.is_stub IS NOT FALSE THEN report_data.shown_reference(a.external_reference_id)
                ELSE a.external_reference_id
            END,
            coalesce(nullif(btrim(a.job_template_key), ''), '(standard)'),
            report_data.shown(a.utm_source),
            report_data.shown(a.utm_medium),
            report_data.shown(a.utm_campaign),
            report_data.shown(a.utm_content),
            CASE
                WHEN coalesce(btrim(a.language), '') = '' THEN '(none)'
                WHEN btrim(a.language) ~ '^[A-Za-z]{{2,3}}([-_][A-Za-z0-9]{{2,8}})*$' THEN btrim(a.language)
                ELSE '(other)'
            END,
            t.at,
            t.day,
            date_trunc('month', t.day::timestamp)::date,
            a.applied_at IS NULL,
            a.first_seen_at,
            extract(epoch FROM a.first_seen_at - a.applied_at) / 3600,
            extract(epoch FROM a.first_confirmed_at - a.first_seen_at),
            a.revision = a.confirmed_revision,
            a.revision,
            s.questions,
            s.answers,
            m.files,
            m.missing,
            v.sha256,
            coalesce(v.has_cv, false),
            coalesce(m.image, false),
            coalesce(m.video, false),
            a.person_key,
            CASE WHEN a.person_key IS NOT NULL THEN 1 END,
            w.option_ids,
            d.screened_on,
            d.interviewed_on,
            d.offered_on,
            d.hired_on,
            d.rejected_on,
            d.withdrawn_on
        FROM unnest(CAST(:ids AS text[])) AS asked(id)
        CROSS JOIN (SELECT timezone FROM ats.client WHERE client_id = :client_id) AS c
        CROSS JOIN LATERAL (
            SELECT
                profile_id, external_reference_id, job_template_key, utm_source, utm_medium, utm_campaign, utm_content,
                language, applied_at, first_seen_at, first_confirmed_at, revision, confirmed_revision, person_key
            FROM ats.application
            WHERE client_id = :client_id AND profile_id = asked.id AND erased_at IS NULL LIMIT 1
        ) AS a
        CROSS JOIN LATERAL (
            SELECT
                coalesce(a.applied_at, a.first_seen_at) AS at,
                (coalesce(a.applied_at, a.first_seen_at) AT TIME ZONE c.timezone)::date AS day
        ) AS t
        LEFT JOIN LATERAL (
            SELECT origin = 'stub' AS is_stub FROM ats.job
            WHERE client_id = :client_id AND external_reference_id = a.external_reference_id LIMIT 1
        ) AS j ON true
        CROSS JOIN LATERAL (
            SELECT count(*) AS questions, count(*) FILTER (WHERE answer <> '') AS answers
            FROM (SELECT answer FROM ats.answer WHERE client_id = :client_id AND profile_id = a.profile_id OFFSET 0) AS x
        ) AS s
        CROSS JOIN LATERAL (
            SELECT
                count(*) AS files,
                count(*) FILTER (WHERE state <> 'stored') AS missing,
                bool_or(kind LIKE 'image/%') AS image,
                bool_or(kind LIKE 'video/%') AS video
            FROM (
                SELECT state, coalesce(mime_sniffed, mime_type) AS kind FROM ats.media
                WHERE client_id = :client_id AND profile_id = a.profile_id OFFSET 0
            ) AS x
        ) AS m
        CROSS JOIN LATERAL (
            SELECT
                bool_or(state <> 'stored' OR size_bytes > 0 AND is_placeholder IS NOT TRUE) AS has_cv,
                (array_agg(sha256 ORDER BY ordinal) FILTER (WHERE state = 'stored' AND size_bytes > 0))[1] AS sha256
            FROM (
                SELECT ordinal, media_id FROM ats.attachment
                WHERE client_id = :client_id AND profile_id = a.profile_id AND role = 'cv' OFFSET 0
            ) AS x
            CROSS JOIN LATERAL (
                SELECT state, size_bytes, sha256 FROM ats.media
                WHERE client_id = :client_id AND profile_id = a.profile_id AND media_id = x.media_id LIMIT 1
            ) AS f
            LEFT JOIN LATERAL (
                SELECT is_placeholder FROM report_data.placeholder_cv p
                WHERE p.client_id = :client_id AND p.sha256 = f.sha256 LIMIT 1
            ) AS p ON true
        ) AS v
        CROSS JOIN LATERAL (
            SELECT array_agg(DISTINCT o.option_id) AS option_ids
            FROM (
                SELECT question, answer, answer_json FROM ats.answer
                WHERE client_id = :client_id AND profile_id = a.profile_id AND question IS NOT NULL OFFSET 0
            ) AS x
            CROSS JOIN LATERAL (
                SELECT question_id FROM report_data.question
                WHERE client_id = :client_id AND question = x.question AND is_closed LIMIT 1
            ) AS q
            CROSS JOIN LATERAL {SINGLE_ANSWERS} AS p
            CROSS JOIN LATERAL (
                SELECT option_id FROM report_data.option
                WHERE question_id = q.question_id AND option = p.option LIMIT 1
            ) AS o
        ) AS w
        CROSS JOIN LATERAL (
            SELECT
                max(occurred_on) FILTER (WHERE stage = 'screened') AS screened_on,
                max(occurred_on) FILTER (WHERE stage = 'interviewed') AS interviewed_on,
                max(occurred_on) FILTER (WHERE stage = 'offered') AS offered_on,
                max(occurred_on) FILTER (WHERE stage = 'hired') AS hired_on,
                max(occurred_on) FILTER (WHERE stage = 'rejected') AS rejected_on,
                max(occurred_on) FILTER (WHERE stage = 'withdrawn') AS withdrawn_on
            FROM (
                SELECT stage, occurred_on FROM ats.outcome
                WHERE client_id = :client_id AND profile_id = a.profile_id OFFSET 0
            ) AS x
        ) AS d
        ORDER BY a.first_seen_at, a.profile_id
        ON CONFLICT (client_id, profile_id) DO UPDATE SET
            job_reference = excluded.job_reference,
            template_key = excluded.template_key,
            utm_source = excluded.utm_source,
            utm_medium = excluded.utm_medium,
            utm_campaign = excluded.utm_campaign,
            utm_content = excluded.utm_content,
            language = excluded.language,
            applied_at = excluded.applied_at,
            applied_date = excluded.applied_date,
            applied_month = excluded.applied_month,
            applied_at_is_estimated = excluded.applied_at_is_estimated,
            received_at = excluded.received_at,
            hours_to_received = excluded.hours_to_received,
            seconds_to_confirm = excluded.seconds_to_confirm,
            is_confirmed = excluded.is_confirmed,
            revision = excluded.revision,
            questions = excluded.questions,
            answers = excluded.answers,
            files = excluded.files,
            files_missing = excluded.files_missing,
            cv_sha256 = excluded.cv_sha256,
            has_cv = excluded.has_cv,
            has_image = excluded.has_image,
            has_video = excluded.has_video,
            person_key = excluded.person_key,
            option_ids = excluded.option_ids,
            screened_on = excluded.screened_on,
            interviewed_on = excluded.interviewed_on,
            offered_on = excluded.offered_on,
            hired_on = excluded.hired_on,
            rejected_on = excluded.rejected_on,
            withdrawn_on = excluded.withdrawn_on,
            application_no = CASE
                WHEN r.person_key = excluded.person_key THEN r.application_no ELSE excluded.application_no
            END,
            days_since_previous = CASE WHEN r.person_key = excluded.person_key THEN r.days_since_previous END,
            erased_before = CASE WHEN r.person_key = excluded.person_key THEN r.erased_before ELSE 0 END,
            erased_previous_date = CASE WHEN r.person_key = excluded.person_key THEN r.erased_previous_date END
        RETURNING profile_id, person_key, cv_sha256, applied_month, option_ids
    ), counted AS (
        INSERT INTO report_data.option_count AS k (client_id, month, question_id, option_id, applications)
        SELECT :client_id, month, question_id, option_id, sum(n)
        FROM (
            SELECT applied_month AS month, option_ids, 1 AS n FROM written
            UNION ALL
            SELECT before.applied_month, before.option_ids, -1 FROM before JOIN written USING (profile_id)
        ) AS change
        CROSS JOIN LATERAL (
            SELECT o.question_id, number.option_id
            FROM unnest(change.option_ids) AS chosen(id)
            CROSS JOIN LATERAL (
                SELECT question_id FROM report_data.option WHERE option_id = chosen.id LIMIT 1
            ) AS o
            CROSS JOIN LATERAL (VALUES (chosen.id), (0)) AS number(option_id)
            GROUP BY 1, 2
        ) AS cell
        GROUP BY month, question_id, option_id
        HAVING sum(n) <> 0
        ORDER BY month, question_id, option_id
        ON CONFLICT (client_id, month, question_id, option_id) DO UPDATE
            SET applications = k.applications + excluded.applications
    )
    SELECT profile_id, person_key, cv_sha256, true AS is_new FROM written
    UNION ALL
    SELECT profile_id, person_key, NULL, false FROM before
    """
)
