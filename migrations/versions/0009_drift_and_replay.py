"""Add the list of unknown fields, and how far a replay has come.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from syncd.store.schemas import write_comments

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ops.schema_drift, ops.replay TO syncd_writer;
  END IF;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "schema_drift",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _time("first_seen_at"),
        _time("last_seen_at"),
        sa.PrimaryKeyConstraint("client_id", "path", "type", name=op.f("pk_schema_drift")),
        schema="ops",
    )
    op.create_table(
        "replay",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("rules", sa.LargeBinary(), nullable=False),
        sa.Column("after_profile_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            for name in ("applications", "changed", "left_alone")
        ),
        _time("started_at"),
        _time("updated_at"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_replay")),
        schema="ops",
    )
    op.execute(GRANTS)
    write_comments(op.get_bind())


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def downgrade() -> None:
    op.drop_table("replay", schema="ops")
    op.drop_table("schema_drift", schema="ops")
