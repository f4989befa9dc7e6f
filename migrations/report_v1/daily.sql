CREATE VIEW report.daily AS
SELECT
    f.client_id,
    f.applied_date,
    lower(f.utm_source) AS source,
    count(*) AS applications,
    count(*) FILTER (WHERE f.has_cv) AS applications_with_cv,
    count(*) FILTER (WHERE f.application_no > 1) AS applications_repeat,
    count(*) FILTER (WHERE f.applied_at_is_estimated) AS applications_day_estimated
FROM report_data.application f
GROUP BY 1, 2, 3;

COMMENT ON VIEW report.daily IS 'Applications by day and source. Every application is in exactly one row, so sums are right.';
COMMENT ON COLUMN report.daily.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.daily.applied_date IS 'The day, in the tenant''s time zone.';
COMMENT ON COLUMN report.daily.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.daily.applications IS 'Applications.';
COMMENT ON COLUMN report.daily.applications_with_cv IS 'Applications with a CV.';
COMMENT ON COLUMN report.daily.applications_repeat IS 'Applications of people who had applied before.';
COMMENT ON COLUMN report.daily.applications_day_estimated IS 'Applications whose day is the day of receipt.';
