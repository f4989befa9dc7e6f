"""Where all tables are gathered, and the kinds of columns they are made of."""

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, MetaData, Text, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

NOW = text("now()")
EMPTY_OBJECT = text("'{}'::jsonb")


def key_column(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def text_column(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def time_column(name: str, *, default_now: bool = False) -> Column[object]:
    return Column(
        name,
        DateTime(timezone=True),
        nullable=not default_now,
        server_default=NOW if default_now else None,
    )


def count_column(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def of_application(on_delete: str = "CASCADE") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["client_id", "profile_id"],
        ["ats.application.client_id", "ats.application.profile_id"],
        ondelete=on_delete,
    )
