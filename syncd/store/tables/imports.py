"""Schema `ats`, what controllers and the ATS know: what a source has cost, and what became of an application."""

from sqlalchemy import Column, Date, ForeignKeyConstraint, Numeric, Table

from syncd.store.tables.columns import key_column, metadata, of_application, time_column

cost = Table(
    "cost",
    metadata,
    key_column("client_id"),
    Column("month", Date, primary_key=True),
    key_column("source"),
    key_column("currency"),
    Column("amount", Numeric(12, 2), nullable=False),
    time_column("imported_at", default_now=True),
    ForeignKeyConstraint(["client_id"], ["ats.client.client_id"]),
    schema="ats",
)

outcome = Table(
    "outcome",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    key_column("stage"),
    Column("occurred_on", Date, nullable=False),
    time_column("imported_at", default_now=True),
    of_application(),
    schema="ats",
)
