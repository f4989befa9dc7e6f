"""Say in the database what each table and column means, and which ones hold personal data.

The locks of COMMENT hold up neither readers nor a running syncd.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from syncd.store.schemas import write_comments

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    write_comments(op.get_bind())


def downgrade() -> None:
    """Leave the comments. Version 0005 of syncd works with them as well."""
