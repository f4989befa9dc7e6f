CREATE VIEW report.contract AS
SELECT
    1 AS major,
    0 AS minor,
    '1.0' AS version,
    (
        SELECT md5(string_agg(view_name || '.' || column_name || ' ' || data_type, ',' ORDER BY view_name COLLATE "C", position))
        FROM report.dictionary
        WHERE view_name <> 'contract'
    ) AS shape;

COMMENT ON VIEW report.contract IS 'The version of these views. A new minor version only adds views, or columns at the end. Anything else is a new major version.';
COMMENT ON COLUMN report.contract.major IS 'Grows if something changes or goes.';
COMMENT ON COLUMN report.contract.minor IS 'Grows if something is added.';
COMMENT ON COLUMN report.contract.version IS 'major.minor';
COMMENT ON COLUMN report.contract.shape IS 'The MD5 of all columns and their types. Compare it in your own tests.';
