"""Schema `report_data`, which the views of `report` stand on: one slim row per application, which outlives its erasure."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from syncd.model import Stage
from syncd.store.tables.columns import count_column, key_column, metadata, text_column, time_column

# The applications whose row of the reports is older than they are. Triggers fill it, the fourth stage empties it.
due = Table("due", metadata, key_column("client_id"), key_column("profile_id"), schema="report_data")


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=nullable)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


reported = Table(
    "application",
    metadata,
    Column("application_key", BigInteger, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    text_column("profile_id"),  # null once erased, like the other columns that can be null
    text_column("job_reference", nullable=False),
    text_column("template_key", nullable=False),
    text_column("utm_source", nullable=False),
    text_column("utm_medium", nullable=False),
    text_column("utm_campaign", nullable=False),
    text_column("utm_content", nullable=False),
    text_column("language", nullable=False),
    time_column("applied_at"),
    Column("applied_date", Date, nullable=False),
    Column("applied_month", Date, nullable=False),
    _flag("applied_at_is_estimated"),
    time_column("received_at"),
    Column("hours_to_received", Double),
    Column("seconds_to_confirm", Double),
    _flag("is_confirmed"),
    _number("revision"),
    _number("questions"),
    _number("answers"),
    _number("files"),
    _number("files_missing"),
    Column("cv_sha256", LargeBinary),
    _flag("has_cv"),
    _flag("has_image"),
    _flag("has_video"),
    text_column("person_key"),
    _number("application_no", nullable=True),
    _number("days_since_previous", nullable=True),
    # Earlier applications of this person that were erased: how many, and the day of the last one.
    count_column("erased_before"),
    Column("erased_previous_date", Date),
    Column("erased_on", Date),
    Column("option_ids", ARRAY(Integer)),
    # When the ATS says that each stage was reached. They stay when the application is erased.
    *(Column(f"{stage}_on", Date) for stage in Stage),
    UniqueConstraint("client_id", "profile_id"),
    # Partial, though they have all rows: otherwise Postgres takes one of them to look up a client's profile_id, if it
    # believes that the table is as empty as it was when its rows were counted last.
    Index(
        "ix_application_client_id_applied_date",
        "client_id",
        "applied_date",
        postgresql_where=text("applied_date IS NOT NULL"),
    ),
    Index(
        "ix_application_applied_month",
        "applied_month",
        "client_id",
        postgresql_where=text("applied_month IS NOT NULL"),
    ),
    Index(
        "ix_application_job_reference",
        "job_reference",
        "client_id",
        "applied_date",
        postgresql_where=text("job_reference IS NOT NULL"),
    ),
    Index(
        "ix_application_person_key",
        "person_key",
        "client_id",
        postgresql_where=text("person_key IS NOT NULL"),
    ),
    Index(
        "ix_application_cv_sha256", "cv_sha256", "client_id", postgresql_where=text("cv_sha256 IS NOT NULL")
    ),
    schema="report_data",
    postgresql_with={"fillfactor": 90},
)

placeholder_cv = Table(
    "placeholder_cv",
    metadata,
    key_column("client_id"),
    Column("sha256", LargeBinary, primary_key=True),
    Column("decided_by", Text, nullable=False, server_default=text("'rule'")),  # rule or operator
    time_column("decided_at", default_now=True),
    Column("is_placeholder", Boolean, nullable=False, server_default=text("true")),
    schema="report_data",
)

question = Table(
    "question",
    metadata,
    Column("question_id", Integer, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    text_column("question", nullable=False),
    _flag("is_closed"),  # only the answers to closed questions are counted
    text_column("reason", nullable=False),
    Column(
        "decided_by", Text, nullable=False, server_default=text("'rule'")
    ),  # rule, or an operator's account
    time_column("decided_at", default_now=True),
    time_column("checked_at", default_now=True),
    UniqueConstraint("client_id", "question"),
    schema="report_data",
)

question_check = Table(
    "question_check",
    metadata,
    key_column("client_id"),
    time_column("checked_at", default_now=True),
    schema="report_data",
)

option = Table(
    "option",
    metadata,
    Column("option_id", Integer, Identity(always=True), primary_key=True),
    _number("question_id"),
    text_column("option", nullable=False),
    UniqueConstraint("question_id", "option"),
    ForeignKeyConstraint(["question_id"], ["report_data.question.question_id"], ondelete="CASCADE"),
    schema="report_data",
)

option_count = Table(
    "option_count",
    metadata,
    key_column("client_id"),
    Column("month", Date, primary_key=True),
    Column("question_id", Integer, primary_key=True),
    Column("option_id", Integer, primary_key=True),  # 0: the question was answered at all
    _number("applications"),
    ForeignKeyConstraint(["question_id"], ["report_data.question.question_id"], ondelete="CASCADE"),
    schema="report_data",
    postgresql_with={"fillfactor": 80},
)
