CREATE VIEW report.dictionary AS
SELECT
    c.relname::text AS view_name,
    a.attnum::integer AS position,
    a.attname::text AS column_name,
    format_type(a.atttypid, a.atttypmod) AS data_type,
    col_description(c.oid, a.attnum) AS meaning
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = 'report' AND c.relkind = 'v';

COMMENT ON VIEW report.dictionary IS 'Every column of these views, with its type and meaning.';
COMMENT ON COLUMN report.dictionary.view_name IS 'The view.';
COMMENT ON COLUMN report.dictionary.position IS 'The column''s place, from 1.';
COMMENT ON COLUMN report.dictionary.column_name IS 'The column.';
COMMENT ON COLUMN report.dictionary.data_type IS 'Its type.';
COMMENT ON COLUMN report.dictionary.meaning IS 'What it means.';
