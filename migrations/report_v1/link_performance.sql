CREATE VIEW report.link_performance AS
SELECT
    coalesce(l.client_id, n.client_id) AS client_id,
    coalesce(l.job_reference, n.job_reference) AS job_reference,
    coalesce(l.utm_source, n.utm_source) AS utm_source,
    coalesce(l.utm_medium, n.utm_medium) AS utm_medium,
    coalesce(l.utm_campaign, n.utm_campaign) AS utm_campaign,
    coalesce(l.utm_content, n.utm_content) AS utm_content,
    coalesce(l.links, 0) AS links_issued,
    l.first_issued_date,
    coalesce(n.applications, 0) AS applications,
    n.first_date AS first_application_date,
    n.last_date AS last_application_date
FROM (
    SELECT
        a.client_id,
        a.job AS job_reference,
        report_data.shown(a.utm_source) AS utm_source,
        report_data.shown(a.utm_medium) AS utm_medium,
        report_data.shown(a.utm_campaign) AS utm_campaign,
        report_data.shown(a.utm_content) AS utm_content,
        count(*) AS links,
        min((a.created_at AT TIME ZONE c.timezone)::date) AS first_issued_date
    FROM ats.apply_link a
    JOIN ats.client c USING (client_id)
    GROUP BY 1, 2, 3, 4, 5, 6
) AS l
FULL JOIN (
    SELECT
        client_id,
        job_reference,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        count(*) AS applications,
        min(applied_date) AS first_date,
        max(applied_date) AS last_date
    FROM report_data.application
    GROUP BY 1, 2, 3, 4, 5, 6
) AS n ON (l.client_id, l.job_reference, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_content)
    = (n.client_id, n.job_reference, n.utm_source, n.utm_medium, n.utm_campaign, n.utm_content);

COMMENT ON VIEW report.link_performance IS 'Apply links and the applications they brought, by job and the four utm values. Every application is in exactly one row, whether syncd created its link or not.';
COMMENT ON COLUMN report.link_performance.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.link_performance.job_reference IS 'Your job''s id; (none) if the apply link had none.';
COMMENT ON COLUMN report.link_performance.utm_source IS 'As it came, trimmed; (none) if missing.';
COMMENT ON COLUMN report.link_performance.utm_medium IS 'As it came, trimmed; (none) if missing.';
COMMENT ON COLUMN report.link_performance.utm_campaign IS 'As it came, trimmed; (none) if missing.';
COMMENT ON COLUMN report.link_performance.utm_content IS 'As it came, trimmed; (none) if missing.';
COMMENT ON COLUMN report.link_performance.links_issued IS 'Different apply links that syncd created.';
COMMENT ON COLUMN report.link_performance.first_issued_date IS 'The day of the first one; null if syncd created none.';
COMMENT ON COLUMN report.link_performance.applications IS 'Applications.';
COMMENT ON COLUMN report.link_performance.first_application_date IS 'The day of the first application.';
COMMENT ON COLUMN report.link_performance.last_application_date IS 'The day of the newest application.';
