"""Schema `ats`, the store: clients, their jobs, and the applications for them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from syncd.store.tables.columns import (
    EMPTY_OBJECT,
    count_column,
    key_column,
    metadata,
    of_application,
    text_column,
    time_column,
)

client = Table(
    "client",
    metadata,
    key_column("client_id"),
    text_column("label"),
    Column("timezone", Text, nullable=False, server_default=text("'Europe/Berlin'")),
    Column("retention_days", Integer),
    Column("raw_retention_days", Integer),
    text_column("server"),  # the base_url that the applications came from
    Column("cycle_gap_seconds", Integer),  # by the schedule
    schema="ats",
)

job = Table(
    "job",
    metadata,
    key_column("client_id"),
    key_column("external_reference_id"),
    text_column("title"),
    text_column("department"),
    text_column("location"),
    text_column("recruiter"),
    text_column("status"),
    time_column("opened_at"),
    time_column("closed_at"),
    Column("origin", Text, nullable=False, server_default=text("'stub'")),  # stub, link or import
    time_column("first_seen_at", default_now=True),
    time_column("unlisted_at"),  # when a complete list first did not name it any more
    ForeignKeyConstraint(["client_id"], ["ats.client.client_id"]),
    schema="ats",
)

application = Table(
    "application",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    text_column("wire_id", nullable=False),  # the profileId as JSON text, for the confirm
    text_column("external_reference_id"),
    text_column("job_template_key"),
    text_column("utm_source"),
    text_column("utm_medium"),
    text_column("utm_campaign"),
    text_column("utm_content"),
    time_column("applied_at"),
    text_column("applied_at_raw"),
    text_column("language"),
    text_column("person_key"),
    Column("payload_sha256", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("1")),
    time_column("first_seen_at", default_now=True),
    time_column("last_seen_at", default_now=True),
    time_column("changed_at", default_now=True),
    count_column("confirmed_revision"),
    time_column("confirmed_at"),
    text_column("confirm_error"),
    time_column("confirm_retry_at"),  # when to retry a refused confirm
    time_column("retention_until"),
    Column("legal_hold", Boolean, nullable=False, server_default=text("false")),
    time_column("erased_at"),
    # Of the bytes that made the newest revision; equal bytes need not be parsed.
    Column("raw_sha256", LargeBinary),
    time_column("first_confirmed_at"),  # set once, unlike confirmed_at
    ForeignKeyConstraint(["client_id"], ["ats.client.client_id"]),
    ForeignKeyConstraint(
        ["client_id", "external_reference_id"],
        ["ats.job.client_id", "ats.job.external_reference_id"],
    ),
    # client_id comes last, so that without statistics Postgres takes neither for the primary key.
    Index("ix_application_external_reference_id", "external_reference_id", "client_id"),
    Index("ix_application_applied_at", "applied_at", "client_id"),
    # The outbox: what is not confirmed yet. It is small, so `status` stays instant.
    Index(
        "ix_application_unconfirmed",
        "client_id",
        "first_seen_at",
        postgresql_where=text("revision > confirmed_revision"),
    ),
    schema="ats",
)

application_contact = Table(
    "application_contact",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    text_column("first_name"),
    text_column("last_name"),
    text_column("email"),
    text_column("phone"),
    Column("extra", JSONB, nullable=False, server_default=EMPTY_OBJECT),
    of_application(),
    schema="ats",
)

answer = Table(
    "answer",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    Column("step_no", Integer, primary_key=True, autoincrement=False),
    text_column("question"),
    text_column("answer"),
    Column("answer_json", JSONB),
    Column("extra", JSONB, nullable=False, server_default=EMPTY_OBJECT),
    of_application(),
    schema="ats",
)

media = Table(
    "media",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    key_column("media_id"),
    text_column("mime_type"),
    text_column("mime_sniffed"),
    text_column("file_name"),
    text_column("download_uri"),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("size_bytes", BigInteger),
    Column("sha256", LargeBinary),
    text_column("storage_path"),
    count_column("attempts"),
    time_column("next_attempt_at", default_now=True),
    time_column("missing_since"),  # the first 404 or 410 in a row
    text_column("last_error"),
    time_column("stored_at"),
    time_column("verified_at"),
    of_application(),
    # The download list, and what keeps an application from being confirmed.
    Index(
        "ix_media_open",
        "client_id",
        "next_attempt_at",
        postgresql_where=text("state IN ('pending', 'rejected')"),
    ),
    schema="ats",
)

attachment = Table(
    "attachment",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    key_column("role"),
    Column("step_no", Integer, primary_key=True, autoincrement=False),  # -1 for cv and profile_image
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    text_column("media_id", nullable=False),
    ForeignKeyConstraint(
        ["client_id", "profile_id", "media_id"],
        ["ats.media.client_id", "ats.media.profile_id", "ats.media.media_id"],
        ondelete="CASCADE",
    ),
    schema="ats",
)

application_raw = Table(
    "application_raw",
    metadata,
    key_column("client_id"),
    key_column("profile_id"),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
    time_column("received_at", default_now=True),
    of_application(),
    schema="ats",
)
