CREATE VIEW report.media_health AS
SELECT
    f.client_id,
    f.applied_month AS month,
    count(*) FILTER (WHERE f.files > 0) AS applications_with_files,
    sum(f.files) AS files,
    sum(f.files_missing) AS files_missing,
    count(*) FILTER (WHERE f.files_missing > 0) AS applications_with_files_missing
FROM report_data.application f
GROUP BY 1, 2;

COMMENT ON VIEW report.media_health IS 'Files by month, and how many of them are not on disk.';
COMMENT ON COLUMN report.media_health.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.media_health.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.media_health.applications_with_files IS 'Applications with files.';
COMMENT ON COLUMN report.media_health.files IS 'Files.';
COMMENT ON COLUMN report.media_health.files_missing IS 'Files that are not on disk.';
COMMENT ON COLUMN report.media_health.applications_with_files_missing IS 'Applications with such a file.';
