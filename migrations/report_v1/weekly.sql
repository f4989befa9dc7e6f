CREATE VIEW report.weekly AS
SELECT
    s.client_id,
    w.week,
    n.applications,
    w.week = date_trunc('week', now() AT TIME ZONE s.timezone)::date AS is_current
FROM (
    SELECT
        c.client_id,
        c.timezone,
        (SELECT min(applied_date) FROM report_data.application WHERE client_id = c.client_id) AS first,
        (SELECT max(applied_date) FROM report_data.application WHERE client_id = c.client_id) AS last
    FROM ats.client c
) AS s
CROSS JOIN LATERAL (
    SELECT g::date AS week
    FROM generate_series(
        date_trunc('week', s.first::timestamp),
        date_trunc('week', greatest(s.last, (now() AT TIME ZONE s.timezone)::date)::timestamp),
        interval '7 days'
    ) AS g
) AS w
CROSS JOIN LATERAL (
    SELECT count(*) AS applications
    FROM report_data.application f
    WHERE f.client_id = s.client_id AND f.applied_date >= w.week AND f.applied_date < w.week + 7
) AS n;

COMMENT ON VIEW report.weekly IS 'Applications by ISO week, from a tenant''s first application until now. Weeks without applications are included.';
COMMENT ON COLUMN report.weekly.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.weekly.week IS 'The Monday, in the tenant''s time zone.';
COMMENT ON COLUMN report.weekly.applications IS 'Applications.';
COMMENT ON COLUMN report.weekly.is_current IS 'Whether this week is not over yet.';
