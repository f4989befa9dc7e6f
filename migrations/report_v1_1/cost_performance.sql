-- A month and source in two currencies has two rows with the same applications, since amounts of different currencies have
-- no sum.
CREATE VIEW report.cost_performance AS
SELECT
    coalesce(f.client_id, k.client_id) AS client_id,
    coalesce(f.month, k.month) AS month,
    coalesce(f.source, k.source) AS source,
    k.currency,
    k.amount::double precision AS amount,
    coalesce(f.applications, 0) AS applications,
    (k.amount / f.applications)::double precision AS cost_per_application,
    coalesce(f.hires, 0) AS hires,
    (k.amount / nullif(f.hires, 0))::double precision AS cost_per_hire
FROM (
    SELECT
        client_id,
        applied_month AS month,
        lower(utm_source) AS source,
        count(*) AS applications,
        count(hired_on) AS hires
    FROM report_data.application
    GROUP BY 1, 2, 3
) AS f
FULL JOIN ats.cost k ON (k.client_id, k.month, k.source) = (f.client_id, f.month, f.source);

COMMENT ON VIEW report.cost_performance IS 'What the applications of a month have cost, by source. A source without costs has one row, without a currency. One with costs in two currencies has two rows with the same applications: choose one currency. A row of few applications may tell what became of one person: give it to those who may see applications.';
COMMENT ON COLUMN report.cost_performance.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.cost_performance.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.cost_performance.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.cost_performance.currency IS 'The currency of the amount, such as EUR; null if no cost was imported.';
COMMENT ON COLUMN report.cost_performance.amount IS 'The cost of the source in this month, in units of the currency; null if none was imported.';
COMMENT ON COLUMN report.cost_performance.applications IS 'Applications of this month from this source.';
COMMENT ON COLUMN report.cost_performance.cost_per_application IS 'amount / applications. Over several rows, divide the sums instead.';
COMMENT ON COLUMN report.cost_performance.hires IS 'Applications of these whose applicant was hired, until now.';
COMMENT ON COLUMN report.cost_performance.cost_per_hire IS 'amount / hires; null without hires. Over several rows, divide the sums instead.';
