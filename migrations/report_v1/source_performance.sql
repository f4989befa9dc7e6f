CREATE VIEW report.source_performance AS
SELECT
    f.client_id,
    f.applied_month AS month,
    lower(f.utm_source) AS source,
    lower(f.utm_medium) AS medium,
    count(*) AS applications,
    count(*) FILTER (WHERE f.has_cv) AS applications_with_cv,
    count(*) FILTER (WHERE f.application_no > 1) AS applications_repeat,
    sum(f.questions) AS questions,
    sum(f.answers) AS answers
FROM report_data.application f
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW report.source_performance IS 'Applications by month, source and medium. Every application is in exactly one row, so sums are right.';
COMMENT ON COLUMN report.source_performance.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.source_performance.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.source_performance.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.source_performance.medium IS 'utm_medium in lower case; (none) if missing.';
COMMENT ON COLUMN report.source_performance.applications IS 'Applications.';
COMMENT ON COLUMN report.source_performance.applications_with_cv IS 'Applications with a CV.';
COMMENT ON COLUMN report.source_performance.applications_repeat IS 'Applications of people who had applied before.';
COMMENT ON COLUMN report.source_performance.questions IS 'Steps of their interviews.';
COMMENT ON COLUMN report.source_performance.answers IS 'Steps that have an answer.';
