"""Add the reports: the schema `report`, the rows it stands on (`report_data`), and what tells persons apart.

Existing applications become due, so that the next cycles fill their rows of the reports.

Revision ID: 0007
Revises: 0006
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from syncd.store.schemas import create_schema, drop_schema, write_comments

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A later migration may replace a view, but changes none of these files.
SQL = Path(__file__).parents[1] / "report_v1"
TABLES = ("00_data", "01_due")
VIEWS = (
    "application",
    "job",
    "calendar",
    "weekly",
    "daily",
    "job_monthly",
    "source_performance",
    "campaign_performance",
    "template_performance",
    "link_performance",
    "repeat_applicants",
    "answer_distribution",
    "job_without_application",
    "unmatched_job",
    "media_health",
    "sync_health",
    "dictionary",
    "contract",
)
TRIGGERS = {
    "application": ("report_due_insert", "report_due_update", "report_due_delete"),
    "media": ("report_due_update",),
    "client": ("report_due_timezone",),
}
FUNCTIONS = (
    "note_applications()",
    "note_changes()",
    "note_files()",
    "note_client()",
    "shown(text)",
    "shown_reference(text)",
)

GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT ON ops.secret TO syncd_writer;
    GRANT USAGE ON SCHEMA report_data TO syncd_writer;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA report_data TO syncd_writer;
    GRANT SELECT ON ALL TABLES IN SCHEMA report TO syncd_writer;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_reader') THEN
    GRANT SELECT ON ALL TABLES IN SCHEMA report TO syncd_reader;
  END IF;
END $$
"""


def upgrade() -> None:
    op.add_column(
        "application",
        sa.Column("first_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        schema="ats",
    )
    # Keys of an earlier upgrade, which was taken back, came from another secret.
    op.execute("UPDATE ats.application SET person_key = NULL WHERE person_key IS NOT NULL")
    # Of later revisions, nobody knows when the first one was confirmed.
    op.execute("UPDATE ats.application SET first_confirmed_at = confirmed_at WHERE confirmed_revision = 1")
    op.create_table(
        "secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secret")),
        schema="ops",
    )
    # Made by Postgres, so that no log shows it. Each uuid has 122 random bits.
    op.execute(
        "INSERT INTO ops.secret (name, value) VALUES "
        "('person_key', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')))"
    )
    create_schema(op.get_bind(), "report_data")
    for name in (*TABLES, *VIEWS):
        op.get_bind().exec_driver_sql((SQL / f"{name}.sql").read_text(encoding="utf-8").replace("%", "%%"))
    op.execute("INSERT INTO report_data.due SELECT client_id, profile_id FROM ats.application")
    op.execute(GRANTS)
    write_comments(op.get_bind())


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW report.{name}")
    for table, triggers in TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"DROP TRIGGER {trigger} ON ats.{table}")
    for table in ("option_count", "option", "question", "due", "application", "placeholder_cv"):
        op.drop_table(table, schema="report_data")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION report_data.{function}")
    drop_schema(op.get_bind(), "report_data")
    op.drop_table("secret", schema="ops")
    op.drop_column("application", "first_confirmed_at", schema="ats")
