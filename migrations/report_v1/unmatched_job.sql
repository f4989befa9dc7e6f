-- A barrier: a condition must not be tried on references that are hidden, since its error would tell them.
CREATE VIEW report.unmatched_job WITH (security_barrier) AS
SELECT
    f.client_id,
    f.job_reference,
    count(*) AS applications,
    min(f.applied_date) AS first_application_date,
    max(f.applied_date) AS last_application_date,
    coalesce(bool_or(j.origin = 'link'), false) AS has_link
FROM report_data.application f
LEFT JOIN ats.job j ON j.client_id = f.client_id AND j.external_reference_id = f.job_reference
WHERE j.origin IS DISTINCT FROM 'import' AND f.job_reference NOT IN ('(none)', '(personal)', '(erased)')
GROUP BY 1, 2;

COMMENT ON VIEW report.unmatched_job IS 'References of applications that your list does not contain: mistyped in a job ad, or missing in the list.';
COMMENT ON COLUMN report.unmatched_job.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.unmatched_job.job_reference IS 'The reference, as the apply link carried it.';
COMMENT ON COLUMN report.unmatched_job.applications IS 'Applications.';
COMMENT ON COLUMN report.unmatched_job.first_application_date IS 'The day of the first application.';
COMMENT ON COLUMN report.unmatched_job.last_application_date IS 'The day of the newest application.';
COMMENT ON COLUMN report.unmatched_job.has_link IS 'Whether syncd has created an apply link for it.';
