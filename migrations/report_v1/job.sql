-- A barrier: a condition must not be tried on references that are hidden, since its error would tell them.
CREATE VIEW report.job WITH (security_barrier) AS
SELECT
    j.client_id || '/' || j.external_reference_id AS job_key,
    j.client_id,
    j.external_reference_id AS job_reference,
    j.title,
    j.department,
    j.location,
    j.recruiter,
    j.status,
    (j.opened_at AT TIME ZONE c.timezone)::date AS opened_date,
    (j.closed_at AT TIME ZONE c.timezone)::date AS closed_date,
    j.origin = 'import' AS is_known,
    j.closed_at IS NULL OR j.closed_at > now() AS is_open,
    coalesce(n.applications, 0) AS applications,
    coalesce(n.last_30_days, 0) AS applications_last_30_days,
    coalesce(n.with_cv, 0) AS applications_with_cv,
    coalesce(n.repeat, 0) AS applications_repeat,
    n.first_date AS first_application_date,
    n.last_date AS last_application_date,
    CASE WHEN j.origin = 'import' THEN n.first_date - (j.opened_at AT TIME ZONE c.timezone)::date END AS days_to_first_application,
    coalesce(l.links, 0) AS links_issued
FROM ats.job j
JOIN ats.client c USING (client_id)
LEFT JOIN (
    SELECT
        f.client_id,
        f.job_reference,
        count(*) AS applications,
        count(*) FILTER (WHERE f.applied_date > (now() AT TIME ZONE k.timezone)::date - 30) AS last_30_days,
        count(*) FILTER (WHERE f.has_cv) AS with_cv,
        count(*) FILTER (WHERE f.application_no > 1) AS repeat,
        min(f.applied_date) AS first_date,
        max(f.applied_date) AS last_date
    FROM report_data.application f
    JOIN ats.client k USING (client_id)
    GROUP BY 1, 2
) AS n ON n.client_id = j.client_id AND n.job_reference = j.external_reference_id
LEFT JOIN (
    SELECT client_id, job, count(*) AS links FROM ats.apply_link GROUP BY 1, 2
) AS l ON l.client_id = j.client_id AND l.job = j.external_reference_id
WHERE j.origin <> 'stub' OR j.external_reference_id = report_data.shown_reference(j.external_reference_id);

COMMENT ON VIEW report.job IS 'One row per job that your list, an apply link or an application named, with its applications.';
COMMENT ON COLUMN report.job.job_key IS 'client_id/job_reference: one column to join the other views by.';
COMMENT ON COLUMN report.job.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.job.job_reference IS 'Your job''s id.';
COMMENT ON COLUMN report.job.title IS 'From your list, otherwise from the first apply link that had a title.';
COMMENT ON COLUMN report.job.department IS 'From your list.';
COMMENT ON COLUMN report.job.location IS 'From your list.';
COMMENT ON COLUMN report.job.recruiter IS 'From your list.';
COMMENT ON COLUMN report.job.status IS 'From your list, in your ATS''s own words.';
COMMENT ON COLUMN report.job.opened_date IS 'The day when it was published, in the tenant''s time zone.';
COMMENT ON COLUMN report.job.closed_date IS 'The day when it was withdrawn or filled; it may be ahead.';
COMMENT ON COLUMN report.job.is_known IS 'Whether your list contains it.';
COMMENT ON COLUMN report.job.is_open IS 'Whether it is not closed yet.';
COMMENT ON COLUMN report.job.applications IS 'Applications.';
COMMENT ON COLUMN report.job.applications_last_30_days IS 'Applications of the last 30 days, today included.';
COMMENT ON COLUMN report.job.applications_with_cv IS 'Applications with a CV.';
COMMENT ON COLUMN report.job.applications_repeat IS 'Applications of people who had applied before.';
COMMENT ON COLUMN report.job.first_application_date IS 'The day of the first application.';
COMMENT ON COLUMN report.job.last_application_date IS 'The day of the newest application.';
COMMENT ON COLUMN report.job.days_to_first_application IS 'Days from opened_date to the first application; null if your list does not contain the job.';
COMMENT ON COLUMN report.job.links_issued IS 'Apply links that syncd created for it.';
