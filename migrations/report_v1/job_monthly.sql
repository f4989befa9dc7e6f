CREATE VIEW report.job_monthly AS
SELECT
    f.client_id,
    f.applied_month AS month,
    f.client_id || '/' || f.job_reference AS job_key,
    f.job_reference,
    lower(f.utm_source) AS source,
    count(*) AS applications,
    count(*) FILTER (WHERE f.has_cv) AS applications_with_cv,
    count(*) FILTER (WHERE f.application_no > 1) AS applications_repeat
FROM report_data.application f
GROUP BY 1, 2, 4, 5;

COMMENT ON VIEW report.job_monthly IS 'Applications by month, job and source. Every application is in exactly one row, so sums are right.';
COMMENT ON COLUMN report.job_monthly.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.job_monthly.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.job_monthly.job_key IS 'client_id/job_reference: one column to join report.job by.';
COMMENT ON COLUMN report.job_monthly.job_reference IS 'Your job''s id; (none) if the apply link had none.';
COMMENT ON COLUMN report.job_monthly.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.job_monthly.applications IS 'Applications.';
COMMENT ON COLUMN report.job_monthly.applications_with_cv IS 'Applications with a CV.';
COMMENT ON COLUMN report.job_monthly.applications_repeat IS 'Applications of people who had applied before.';
