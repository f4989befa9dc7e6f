-- A barrier: a condition must not be tried on references that are hidden, since its error would tell them.
CREATE VIEW report.job_without_application WITH (security_barrier) AS
SELECT
    j.client_id,
    j.external_reference_id AS job_reference,
    j.title,
    j.department,
    j.recruiter,
    (j.opened_at AT TIME ZONE c.timezone)::date AS opened_date,
    (now() AT TIME ZONE c.timezone)::date - (j.opened_at AT TIME ZONE c.timezone)::date AS days_open,
    EXISTS (
        SELECT FROM ats.apply_link l WHERE l.client_id = j.client_id AND l.job = j.external_reference_id
    ) AS has_link
FROM ats.job j
JOIN ats.client c USING (client_id)
WHERE (j.closed_at IS NULL OR j.closed_at > now())
AND j.origin <> 'stub'
AND NOT EXISTS (
    SELECT FROM report_data.application f
    WHERE f.client_id = j.client_id AND f.job_reference = j.external_reference_id
);

COMMENT ON VIEW report.job_without_application IS 'Open jobs, from your list or with an apply link, for which nobody has applied.';
COMMENT ON COLUMN report.job_without_application.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.job_without_application.job_reference IS 'Your job''s id.';
COMMENT ON COLUMN report.job_without_application.title IS 'From your list, otherwise from the first apply link that had a title.';
COMMENT ON COLUMN report.job_without_application.department IS 'From your list.';
COMMENT ON COLUMN report.job_without_application.recruiter IS 'From your list.';
COMMENT ON COLUMN report.job_without_application.opened_date IS 'The day when it was published, in the tenant''s time zone.';
COMMENT ON COLUMN report.job_without_application.days_open IS 'Days since then.';
COMMENT ON COLUMN report.job_without_application.has_link IS 'Whether syncd has created an apply link for it.';
