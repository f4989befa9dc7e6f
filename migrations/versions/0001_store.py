"""Create the store: the tables in ats and ops that the cycle needs.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from syncd.store.schemas import create_schema, drop_schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The roles may not exist. Then `syncd db roles` prints the SQL that creates them, with the same grants.
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT USAGE ON SCHEMA ats, ops TO syncd_writer;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ats, ops TO syncd_writer;
    REVOKE INSERT, UPDATE, DELETE ON ops.alembic_version FROM syncd_writer;
  END IF;
END $$
"""


def upgrade() -> None:
    create_schema(op.get_bind(), "ats")
    op.create_table(
        "client",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), server_default=sa.text("'Europe/Berlin'"), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("raw_retention_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client")),
        schema="ats",
    )
    op.create_table(
        "cycle",
        sa.Column("cycle_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default=sa.text("'running'"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("new", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("media_stored", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("media_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("media_gone", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("media_rejected", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("confirm_refused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("http_calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("http_retries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cycle_id", name=op.f("pk_cycle")),
        schema="ops",
    )
    op.create_index(
        "ix_cycle_running",
        "cycle",
        ["client_id"],
        unique=False,
        schema="ops",
        postgresql_where=sa.text("outcome = 'running'"),
    )
    op.create_index(
        "ix_cycle_client_id_started_at",
        "cycle",
        ["client_id", sa.literal_column("started_at DESC")],
        unique=False,
        schema="ops",
    )
    op.create_table(
        "lease",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_lease")),
        schema="ops",
    )
    op.create_table(
        "media_removal",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("client_id", "profile_id", "media_id", name=op.f("pk_media_removal")),
        schema="ops",
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        schema="ops",
    )
    op.create_index(
        "uq_quarantine_unresolved",
        "quarantine",
        ["client_id", "fingerprint"],
        unique=True,
        schema="ops",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "job",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("external_reference_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("recruiter", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("origin", sa.Text(), server_default=sa.text("'stub'"), nullable=False),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["client_id"], ["ats.client.client_id"], name=op.f("fk_job_client")),
        sa.PrimaryKeyConstraint("client_id", "external_reference_id", name=op.f("pk_job")),
        schema="ats",
    )
    op.create_table(
        "application",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("wire_id", sa.Text(), nullable=False),
        sa.Column("external_reference_id", sa.Text(), nullable=True),
        sa.Column("job_template_key", sa.Text(), nullable=True),
        sa.Column("utm_source", sa.Text(), nullable=True),
        sa.Column("utm_medium", sa.Text(), nullable=True),
        sa.Column("utm_campaign", sa.Text(), nullable=True),
        sa.Column("utm_content", sa.Text(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at_raw", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("person_key", sa.Text(), nullable=True),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirm_error", sa.Text(), nullable=True),
        sa.Column("confirm_retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retention_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("legal_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id", "external_reference_id"],
            ["ats.job.client_id", "ats.job.external_reference_id"],
            name=op.f("fk_application_job"),
        ),
        sa.ForeignKeyConstraint(["client_id"], ["ats.client.client_id"], name=op.f("fk_application_client")),
        sa.PrimaryKeyConstraint("client_id", "profile_id", name=op.f("pk_application")),
        schema="ats",
    )
    op.create_index(
        "ix_application_applied_at", "application", ["client_id", "applied_at"], unique=False, schema="ats"
    )
    op.create_index(
        "ix_application_external_reference_id",
        "application",
        ["client_id", "external_reference_id"],
        unique=False,
        schema="ats",
    )
    op.create_index(
        "ix_application_unconfirmed",
        "application",
        ["client_id", "first_seen_at"],
        unique=False,
        schema="ats",
        postgresql_where=sa.text("revision > confirmed_revision"),
    )
    op.create_table(
        "answer",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("step_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answer_json", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "extra",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id"],
            ["ats.application.client_id", "ats.application.profile_id"],
            name=op.f("fk_answer_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "profile_id", "step_no", name=op.f("pk_answer")),
        schema="ats",
    )
    op.create_table(
        "application_contact",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column(
            "extra",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id"],
            ["ats.application.client_id", "ats.application.profile_id"],
            name=op.f("fk_application_contact_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "profile_id", name=op.f("pk_application_contact")),
        schema="ats",
    )
    op.create_table(
        "application_raw",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id"],
            ["ats.application.client_id", "ats.application.profile_id"],
            name=op.f("fk_application_raw_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "profile_id", "revision", name=op.f("pk_application_raw")),
        schema="ats",
    )
    op.create_table(
        "media",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=True),
        sa.Column("mime_sniffed", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("download_uri", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("storage_path", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id"],
            ["ats.application.client_id", "ats.application.profile_id"],
            name=op.f("fk_media_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "profile_id", "media_id", name=op.f("pk_media")),
        schema="ats",
    )
    op.create_index(
        "ix_media_open",
        "media",
        ["client_id", "next_attempt_at"],
        unique=False,
        schema="ats",
        postgresql_where=sa.text("state IN ('pending', 'rejected')"),
    )
    op.create_table(
        "attachment",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("step_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id", "media_id"],
            ["ats.media.client_id", "ats.media.profile_id", "ats.media.media_id"],
            name=op.f("fk_attachment_media"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "client_id", "profile_id", "role", "step_no", "ordinal", name=op.f("pk_attachment")
        ),
        schema="ats",
    )
    op.create_index(
        "ix_attachment_media_id",
        "attachment",
        ["client_id", "profile_id", "media_id"],
        unique=False,
        schema="ats",
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_index("ix_attachment_media_id", table_name="attachment", schema="ats")
    op.drop_table("attachment", schema="ats")
    op.drop_index(
        "ix_media_open",
        table_name="media",
        schema="ats",
        postgresql_where=sa.text("state IN ('pending', 'rejected')"),
    )
    op.drop_table("media", schema="ats")
    op.drop_table("application_raw", schema="ats")
    op.drop_table("application_contact", schema="ats")
    op.drop_table("answer", schema="ats")
    op.drop_index(
        "ix_application_unconfirmed",
        table_name="application",
        schema="ats",
        postgresql_where=sa.text("revision > confirmed_revision"),
    )
    op.drop_index("ix_application_external_reference_id", table_name="application", schema="ats")
    op.drop_index("ix_application_applied_at", table_name="application", schema="ats")
    op.drop_table("application", schema="ats")
    op.drop_table("job", schema="ats")
    op.drop_index(
        "uq_quarantine_unresolved",
        table_name="quarantine",
        schema="ops",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.drop_table("quarantine", schema="ops")
    op.drop_table("media_removal", schema="ops")
    op.drop_table("lease", schema="ops")
    op.drop_index("ix_cycle_running", table_name="cycle", schema="ops")
    op.drop_index("ix_cycle_client_id_started_at", table_name="cycle", schema="ops")
    op.drop_table("cycle", schema="ops")
    op.drop_table("client", schema="ats")
    drop_schema(op.get_bind(), "ats")
