CREATE VIEW report.time_to_hire AS
SELECT
    client_id,
    date_trunc('month', hired_date::timestamp)::date AS month,
    source,
    count(*) AS hires,
    count(days_to_hire) AS hires_timed,
    sum(days_to_hire) AS days,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY days_to_hire) AS median_days
FROM report.application
WHERE hired_date IS NOT NULL
GROUP BY 1, 2, 3;

COMMENT ON VIEW report.time_to_hire IS 'Hires by their month and source, and how long they took. Every hire is in exactly one row, so sums are right. A row of few hires may tell of one person: give it to those who may see applications.';
COMMENT ON COLUMN report.time_to_hire.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.time_to_hire.month IS 'The first day of the month of the hire.';
COMMENT ON COLUMN report.time_to_hire.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.time_to_hire.hires IS 'Applications whose applicant was hired in this month.';
COMMENT ON COLUMN report.time_to_hire.hires_timed IS 'Hires of these whose day of application is known. The base of averages.';
COMMENT ON COLUMN report.time_to_hire.days IS 'The sum of their days from the application to the hire. Divide it by hires_timed.';
COMMENT ON COLUMN report.time_to_hire.median_days IS 'The median of these days. Medians cannot be added up.';
