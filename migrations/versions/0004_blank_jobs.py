"""Let report.apply_link take the same job references on every version of Postgres.

Postgres 15 and 16 read \\v in a string as the letter v. So the function refused a job called "v", and took a job that
consists of a vertical tab.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APPLY_LINK = """
CREATE OR REPLACE FUNCTION report.apply_link(
  client_id text,
  job text,
  template_key text DEFAULT NULL,
  title text DEFAULT NULL,
  utm_source text DEFAULT NULL,
  utm_medium text DEFAULT NULL,
  utm_campaign text DEFAULT NULL,
  utm_content text DEFAULT NULL,
  apply_url text DEFAULT 'https://{client_id}.pitchyou.de'
) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  query text;
  link text;
BEGIN
  IF client_id IS NULL OR client_id !~ '^(?!xn--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' COLLATE "C" THEN
    RAISE EXCEPTION 'client_id is no DNS label, so it cannot become a host name' USING ERRCODE = '22023';
  END IF;
  IF job IS NULL OR btrim(job, E' \\t\\n\\x0B\\f\\r') IN ('', '.', '..') THEN
    RAISE EXCEPTION 'job is missing, blank, or a dot or two, which browsers take for a step in the path'
      USING ERRCODE = '22023';
  END IF;
  IF octet_length(convert_to(job, 'UTF8')) > 1024 THEN
    RAISE EXCEPTION 'job is longer than 1024 bytes, which no profile brings back' USING ERRCODE = '22023';
  END IF;
  SELECT string_agg(name || '=' || report.percent_encode(value), '&' ORDER BY place) INTO query
  FROM (VALUES (1, 'jkey', template_key), (2, 'title', title), (3, 'utm_source', utm_source),
               (4, 'utm_medium', utm_medium), (5, 'utm_campaign', utm_campaign),
               (6, 'utm_content', utm_content)) AS part (place, name, value)
  WHERE value <> '';
  link := replace(apply_url, '{client_id}', client_id) || '/go/' || report.percent_encode(job)
    || coalesce('?' || query, '');
  IF length(link) > 2000 THEN
    RAISE EXCEPTION 'the link would have % characters, at most 2000 are possible', length(link)
      USING ERRCODE = '22023', HINT = 'Shorten the title or the utm values.';
  END IF;
  RETURN link;
END
$$
"""


def upgrade() -> None:
    op.execute(APPLY_LINK)
    op.execute("ALTER FUNCTION report.percent_encode SET search_path = pg_catalog, pg_temp")


def downgrade() -> None:
    """Leave the functions. Version 0003 of syncd works with them as well."""
