"""Make landing fast: store the digest of a payload's bytes, and reorder indexes so that Postgres picks the right one.

Before, Postgres considered any index that begins with client_id as good as the primary key while a table had no
statistics. So the first load of a new database read all applications of the client for each row that names one of them.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REORDERED = {
    "ix_application_external_reference_id": ["external_reference_id", "client_id"],
    "ix_application_applied_at": ["applied_at", "client_id"],
}


def upgrade() -> None:
    op.add_column("application", sa.Column("raw_sha256", sa.LargeBinary), schema="ats")
    op.execute(
        "UPDATE ats.application a SET raw_sha256 = sha256(r.payload) FROM ats.application_raw r "
        "WHERE r.client_id = a.client_id AND r.profile_id = a.profile_id AND r.revision = a.revision"
    )
    for name, columns in REORDERED.items():
        op.drop_index(name, "application", schema="ats")
        op.create_index(name, "application", columns, schema="ats")
    # An application has few attachments. The primary key finds them by its first two columns.
    op.drop_index("ix_attachment_media_id", "attachment", schema="ats")


def downgrade() -> None:
    op.create_index(
        "ix_attachment_media_id", "attachment", ["client_id", "profile_id", "media_id"], schema="ats"
    )
    for name, columns in REORDERED.items():
        op.drop_index(name, "application", schema="ats")
        op.create_index(name, "application", list(reversed(columns)), schema="ats")
    op.drop_column("application", "raw_sha256", schema="ats")
