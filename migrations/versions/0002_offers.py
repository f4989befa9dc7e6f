"""Add what an ATS offers: jobs that its list no longer names, templates, apply links and their SQL function, chats.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from syncd.store.schemas import create_schema, drop_schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# This migration fixes the function's body. A later migration may change it. The function returns the same bytes as
# syncd.pitchyou.links.apply_link and refuses the same values. A property test compares the two.
PERCENT_ENCODE = """
CREATE FUNCTION report.percent_encode(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog
AS $$
  SELECT coalesce(string_agg(
    CASE WHEN byte BETWEEN 48 AND 57 OR byte BETWEEN 65 AND 90 OR byte BETWEEN 97 AND 122 OR byte IN (45, 46, 95, 126)
      THEN chr(byte) ELSE '%' || upper(lpad(to_hex(byte), 2, '0')) END, '' ORDER BY place), '')
  FROM (SELECT place, get_byte(bytes, place) AS byte
        FROM convert_to(value, 'UTF8') AS bytes, generate_series(0, octet_length(bytes) - 1) AS place) AS split
$$
"""

APPLY_LINK = """
CREATE FUNCTION report.apply_link(
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
SET search_path = pg_catalog
AS $$
DECLARE
  query text;
  link text;
BEGIN
  IF client_id IS NULL OR client_id !~ '^(?!xn--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' COLLATE "C" THEN
    RAISE EXCEPTION 'client_id is no DNS label, so it cannot become a host name' USING ERRCODE = '22023';
  END IF;
  IF job IS NULL OR btrim(job, E' \\t\\n\\v\\f\\r') IN ('', '.', '..') THEN
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

GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ats.job_template, ats.apply_link, ats.chat_request TO syncd_writer;
    GRANT USAGE ON SCHEMA report TO syncd_writer;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_reader') THEN
    GRANT USAGE ON SCHEMA report TO syncd_reader;
  END IF;
END $$
"""


def upgrade() -> None:
    op.add_column("job", sa.Column("unlisted_at", sa.DateTime(timezone=True), nullable=True), schema="ats")
    op.create_table(
        "job_template",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("template_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("descriptions", postgresql.JSONB(), nullable=True),
        sa.Column("raw", postgresql.JSONB(), nullable=False),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["ats.client.client_id"], name=op.f("fk_job_template_client")),
        sa.PrimaryKeyConstraint("client_id", "template_key", name=op.f("pk_job_template")),
        schema="ats",
    )
    op.create_table(
        "apply_link",
        sa.Column("link_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("template_key", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("utm_source", sa.Text(), nullable=True),
        sa.Column("utm_medium", sa.Text(), nullable=True),
        sa.Column("utm_campaign", sa.Text(), nullable=True),
        sa.Column("utm_content", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "job"],
            ["ats.job.client_id", "ats.job.external_reference_id"],
            name=op.f("fk_apply_link_job"),
        ),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_apply_link")),
        sa.UniqueConstraint("client_id", "url", name=op.f("uq_apply_link_client_id_url")),
        schema="ats",
    )
    op.create_index("ix_apply_link_job", "apply_link", ["client_id", "job"], schema="ats")
    op.create_table(
        "chat_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("recruiter_name", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id"],
            ["ats.application.client_id", "ats.application.profile_id"],
            name=op.f("fk_chat_request_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_request")),
        schema="ats",
    )
    op.create_index("ix_chat_request_profile_id", "chat_request", ["client_id", "profile_id"], schema="ats")
    create_schema(op.get_bind(), "report")
    op.execute(PERCENT_ENCODE)
    op.execute(APPLY_LINK)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DROP FUNCTION report.apply_link")
    op.execute("DROP FUNCTION report.percent_encode")
    drop_schema(op.get_bind(), "report")
    for name in ("chat_request", "apply_link", "job_template"):
        op.drop_table(name, schema="ats")
    op.drop_column("job", "unlisted_at", schema="ats")
