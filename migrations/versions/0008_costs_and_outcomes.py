"""Add what sources cost and what became of applications, and the views of `report` that show them (contract 1.1).

Revision ID: 0008
Revises: 0007
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from syncd.store.schemas import write_comments

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A later migration may replace a view, but changes none of these files.
SQL = Path(__file__).parents[1]
VIEWS = ("funnel", "time_to_hire", "cost_performance")
STAGES = ("screened", "interviewed", "offered", "hired", "rejected", "withdrawn")

GRANT_TABLES = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ats.cost, ats.outcome TO syncd_writer;
  END IF;
END $$
"""
GRANT_VIEWS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT ON ALL TABLES IN SCHEMA report TO syncd_writer;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_reader') THEN
    GRANT SELECT ON ALL TABLES IN SCHEMA report TO syncd_reader;
  END IF;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "cost",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["ats.client.client_id"], name=op.f("fk_cost_client")),
        sa.PrimaryKeyConstraint("client_id", "month", "source", "currency", name=op.f("pk_cost")),
        schema="ats",
    )
    op.create_table(
        "outcome",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "profile_id"],
            ["ats.application.client_id", "ats.application.profile_id"],
            name=op.f("fk_outcome_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "profile_id", "stage", name=op.f("pk_outcome")),
        schema="ats",
    )
    for stage in STAGES:
        op.add_column("application", sa.Column(f"{stage}_on", sa.Date(), nullable=True), schema="report_data")
    for name in ("due", "application", *VIEWS, "contract"):
        _run(f"report_v1_1/{name}")
    op.execute(GRANT_TABLES)
    op.execute(GRANT_VIEWS)
    write_comments(op.get_bind())


def downgrade() -> None:
    for name in ("contract", *VIEWS, "application"):
        op.execute(f"DROP VIEW report.{name}")
    for name in ("outcome", "cost"):
        op.drop_table(name, schema="ats")
    for function in ("note_outcomes()", "note_changed_outcomes()"):
        op.execute(f"DROP FUNCTION report_data.{function}")
    for stage in STAGES:
        op.drop_column("application", f"{stage}_on", schema="report_data")
    for name in ("application", "contract"):
        _run(f"report_v1/{name}")
    op.execute(GRANT_VIEWS)


def _run(name: str) -> None:
    """Run a file of SQL in which no value is bound."""
    sql = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
