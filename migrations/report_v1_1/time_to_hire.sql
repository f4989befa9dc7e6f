CREATE VIEW report.time_to_hire AS
SELECT
    f.client_id,
    date_trunc('month', f.hired_on::timestamp)::date AS month,
    lower(f.utm_source) AS source,
    count(*) AS hires,
    count(d.days) AS hires_timed,
    sum(d.days) AS days,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY d.days) AS median_days
FROM report_data.application f
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN NOT f.applied_at_is_estimated AND f.hired_on >= f.applied_date THEN f.hired_on - f.applied_date
    END AS days
) AS d
WHERE f.hired_on IS NOT NULL
GROUP BY 1, 2, 3;

COMMENT ON VIEW report.time_to_hire IS 'Hires by their month and source, and how long they took. Every hire is in exactly one row, so sums are right. A row of few hires may tell of one person: give it to those who may see applications.';
COMMENT ON COLUMN report.time_to_hire.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.time_to_hire.month IS 'The first day of the month of the hire.';
COMMENT ON COLUMN report.time_to_hire.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.time_to_hire.hires IS 'Applications whose applicant was hired in this month.';
COMMENT ON COLUMN report.time_to_hire.hires_timed IS 'Hires of these whose day of application is known. The base of averages.';
COMMENT ON COLUMN report.time_to_hire.days IS 'The sum of their days from the application to the hire. Divide it by hires_timed.';
COMMENT ON COLUMN report.time_to_hire.median_days IS 'The median of these days. Medians cannot be added up.';
