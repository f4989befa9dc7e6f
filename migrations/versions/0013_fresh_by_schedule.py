"""Make the reports fresh by the client's schedule, instead of within a fixed time.

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
COMMENT_BEFORE = """
COMMENT ON COLUMN report.sync_health.is_fresh IS 'Whether a cycle has succeeded in the last 15 minutes.'
"""


def upgrade() -> None:
    op.add_column("client", sa.Column("cycle_gap_seconds", sa.Integer(), nullable=True), schema="ats")
    _run("report_v1_2/sync_health")
    write_comments(op.get_bind())


def downgrade() -> None:
    _run("client_state/sync_health")
    op.execute(COMMENT_BEFORE)
    op.drop_column("client", "cycle_gap_seconds", schema="ats")


def _run(name: str) -> None:
    """Run a file of SQL in which no value is bound."""
    sql = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
