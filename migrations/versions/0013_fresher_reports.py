"""Make the reports fresh by the client's schedule, and note when the questions of a client were looked at.

Revision ID: 0013
Revises: 0012
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from syncd.store.schemas import write_comments

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A later migration may replace the view, but changes none of these files.
SQL = Path(__file__).parents[1]
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON report_data.question_check TO syncd_writer;
  END IF;
END $$
"""
FILL = """
INSERT INTO report_data.question_check (client_id, checked_at)
SELECT client_id, max(checked_at) FROM report_data.question GROUP BY client_id
"""
COMMENT_BEFORE = """
COMMENT ON COLUMN report.sync_health.is_fresh IS 'Whether a cycle has succeeded in the last 15 minutes.'
"""


def upgrade() -> None:
    op.add_column("client", sa.Column("cycle_gap_seconds", sa.Integer(), nullable=True), schema="ats")
    _run("report_v1_2/sync_health")
    op.create_table(
        "question_check",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_question_check")),
        schema="report_data",
    )
    op.execute(FILL)
    op.execute(GRANTS)
    write_comments(op.get_bind())


def downgrade() -> None:
    op.drop_table("question_check", schema="report_data")
    _run("client_state/sync_health")
    op.execute(COMMENT_BEFORE)
    op.drop_column("client", "cycle_gap_seconds", schema="ats")


def _run(name: str) -> None:
    """Run a file of SQL in which no value is bound."""
    sql = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
