"""Make three indexes of the reports partial, so that no lookup of an application by its id takes them.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_application_client_id_applied_date": ("applied_date", "client_id, applied_date"),
    "ix_application_applied_month": ("applied_month", "applied_month, client_id"),
    "ix_application_job_reference": ("job_reference", "job_reference, client_id, applied_date"),
}


def upgrade() -> None:
    for name, (column, columns) in INDEXES.items():
        _replace(name, f"({columns}) WHERE {column} IS NOT NULL")


def downgrade() -> None:
    for name, (_, columns) in INDEXES.items():
        _replace(name, f"({columns})")


def _replace(name: str, definition: str) -> None:
    op.execute(f"DROP INDEX report_data.{name}")
    op.execute(f"CREATE INDEX {name} ON report_data.application {definition}")
