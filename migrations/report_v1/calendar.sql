CREATE VIEW report.calendar AS
SELECT
    d::date AS day,
    date_trunc('week', d)::date AS week,
    to_char(d, 'IYYY"-W"IW') AS iso_week,
    date_trunc('month', d)::date AS month,
    date_trunc('quarter', d)::date AS quarter,
    extract(year FROM d)::integer AS year,
    extract(isodow FROM d)::integer AS iso_weekday
FROM generate_series(
    timestamp '2015-01-01', date_trunc('day', now() AT TIME ZONE 'UTC') + interval '366 days', interval '1 day'
) AS d;

COMMENT ON VIEW report.calendar IS 'One row per day from 2015 to a year ahead. Join it, so that days without applications do not vanish.';
COMMENT ON COLUMN report.calendar.day IS 'The day.';
COMMENT ON COLUMN report.calendar.week IS 'The Monday of its week.';
COMMENT ON COLUMN report.calendar.iso_week IS 'Its ISO week, such as 2026-W13.';
COMMENT ON COLUMN report.calendar.month IS 'The first day of its month.';
COMMENT ON COLUMN report.calendar.quarter IS 'The first day of its quarter.';
COMMENT ON COLUMN report.calendar.year IS 'Its year.';
COMMENT ON COLUMN report.calendar.iso_weekday IS '1 for Monday to 7 for Sunday.';
