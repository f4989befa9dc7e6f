"""Add the id of the store, and the marks by which a database and a media root know each other.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from syncd.store.schemas import write_comments

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STORE_ID = "INSERT INTO ops.secret (name, value) VALUES ('store_id', uuid_send(gen_random_uuid()))"
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT, INSERT, UPDATE ON ops.store_mark TO syncd_writer;
    GRANT SELECT, INSERT ON ops.acceptance TO syncd_writer;
  END IF;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "store_mark",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("next_token", sa.Text(), nullable=True),
        _time("changed_at"),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_store_mark")),
        schema="ops",
    )
    op.create_table(
        "acceptance",
        sa.Column("acceptance_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("without_row", ARRAY(sa.Text()), nullable=False),
        sa.Column("without_file", ARRAY(sa.Text()), nullable=False),
        _time("accepted_at"),
        sa.PrimaryKeyConstraint("acceptance_id", name=op.f("pk_acceptance")),
        schema="ops",
    )
    op.execute(STORE_ID)
    op.execute(GRANTS)
    write_comments(op.get_bind())


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def downgrade() -> None:
    op.drop_table("acceptance", schema="ops")
    op.drop_table("store_mark", schema="ops")
    op.execute("DELETE FROM ops.secret WHERE name = 'store_id'")
