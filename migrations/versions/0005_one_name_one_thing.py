"""Remember which server a client's applications came from, and keep one quarantine entry of what changes in each list.

The server is null until the first cycle, which remembers the configured one. Of the entries with the same profile and
reason, the newest stays.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("client", sa.Column("server", sa.Text(), nullable=True), schema="ats")
    op.add_column(
        "quarantine",
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        schema="ops",
    )
    op.execute("UPDATE ops.quarantine SET received_at = first_seen_at")
    op.create_index(
        "ix_quarantine_profile_id",
        "quarantine",
        ["profile_id", "client_id"],
        schema="ops",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.execute(
        "UPDATE ops.quarantine q SET resolved_at = now() WHERE resolved_at IS NULL AND EXISTS ("
        "SELECT FROM ops.quarantine n WHERE n.client_id = q.client_id AND n.profile_id = q.profile_id "
        "AND n.stage = q.stage AND n.error = q.error AND n.resolved_at IS NULL AND n.quarantine_id > q.quarantine_id)"
    )


def downgrade() -> None:
    op.drop_index(
        "ix_quarantine_profile_id",
        table_name="quarantine",
        schema="ops",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.drop_column("quarantine", "received_at", schema="ops")
    op.drop_column("client", "server", schema="ats")
