"""Schema `ats`, what an ATS offers and asks for: interview templates, apply links, chats."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from syncd.store.tables.columns import key_column, metadata, of_application, text_column, time_column

job_template = Table(
    "job_template",
    metadata,
    key_column("client_id"),
    key_column("template_key"),
    text_column("description"),
    Column("descriptions", JSONB),
    Column("raw", JSONB, nullable=False),
    time_column("first_seen_at", default_now=True),
    time_column("last_seen_at", default_now=True),
    time_column("removed_at"),
    ForeignKeyConstraint(["client_id"], ["ats.client.client_id"]),
    schema="ats",
)

apply_link = Table(
    "apply_link",
    metadata,
    Column("link_id", BigInteger, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    text_column("url", nullable=False),
    text_column("job", nullable=False),
    text_column("template_key"),
    text_column("title"),
    text_column("utm_source"),
    text_column("utm_medium"),
    text_column("utm_campaign"),
    text_column("utm_content"),
    time_column("created_at", default_now=True),
    ForeignKeyConstraint(["client_id", "job"], ["ats.job.client_id", "ats.job.external_reference_id"]),
    UniqueConstraint("client_id", "url"),
    Index("ix_apply_link_job", "client_id", "job"),
    schema="ats",
)

chat_request = Table(
    "chat_request",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    text_column("profile_id", nullable=False),
    text_column("recruiter_name"),
    text_column("requested_by", nullable=False),
    time_column("requested_at", default_now=True),
    Column("token_sha256", LargeBinary, nullable=False),
    of_application(),
    Index("ix_chat_request_profile_id", "client_id", "profile_id"),
    schema="ats",
)
