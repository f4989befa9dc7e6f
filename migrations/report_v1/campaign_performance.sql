CREATE VIEW report.campaign_performance AS
SELECT
    f.client_id,
    f.applied_month AS month,
    f.utm_campaign AS campaign,
    f.utm_content AS content,
    lower(f.utm_source) AS source,
    count(*) AS applications,
    count(*) FILTER (WHERE f.has_cv) AS applications_with_cv,
    count(*) FILTER (WHERE f.application_no > 1) AS applications_repeat,
    min(f.applied_date) AS first_application_date,
    max(f.applied_date) AS last_application_date
FROM report_data.application f
GROUP BY 1, 2, 3, 4, 5;

COMMENT ON VIEW report.campaign_performance IS 'Applications by month, campaign, content and source. Every application is in exactly one row, so sums are right.';
COMMENT ON COLUMN report.campaign_performance.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.campaign_performance.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.campaign_performance.campaign IS 'utm_campaign; (none) if missing.';
COMMENT ON COLUMN report.campaign_performance.content IS 'utm_content; (none) if missing.';
COMMENT ON COLUMN report.campaign_performance.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.campaign_performance.applications IS 'Applications.';
COMMENT ON COLUMN report.campaign_performance.applications_with_cv IS 'Applications with a CV.';
COMMENT ON COLUMN report.campaign_performance.applications_repeat IS 'Applications of people who had applied before.';
COMMENT ON COLUMN report.campaign_performance.first_application_date IS 'The day of the first application.';
COMMENT ON COLUMN report.campaign_performance.last_application_date IS 'The day of the newest application.';
