"""The tables, as docs/schema.md explains them. `migrations/` makes them; a test proves the two equal."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_NOW = text("now()")
_EMPTY = text("'{}'::jsonb")


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _time(name: str, *, default_now: bool = False) -> Column[object]:
    return Column(
        name,
        DateTime(timezone=True),
        nullable=not default_now,
        server_default=_NOW if default_now else None,
    )


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _of_application(on_delete: str = "CASCADE") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["client_id", "profile_id"],
        ["ats.application.client_id", "ats.application.profile_id"],
        ondelete=on_delete,
    )


client = Table(
    "client",
    metadata,
    _key("client_id"),
    _text("label"),
    Column("timezone", Text, nullable=False, server_default=text("'Europe/Berlin'")),
    Column("retention_days", Integer),
    Column("raw_retention_days", Integer),
    schema="ats",
)

job = Table(
    "job",
    metadata,
    _key("client_id"),
    _key("external_reference_id"),
    _text("title"),
    _text("department"),
    _text("location"),
    _text("recruiter"),
    _text("status"),
    _time("opened_at"),
    _time("closed_at"),
    Column("origin", Text, nullable=False, server_default=text("'stub'")),  # stub, link or import
    _time("first_seen_at", default_now=True),
    ForeignKeyConstraint(["client_id"], ["ats.client.client_id"]),
    schema="ats",
)

application = Table(
    "application",
    metadata,
    _key("client_id"),
    _key("profile_id"),
    _text("wire_id", nullable=False),  # the profileId as JSON text, for the confirm
    _text("external_reference_id"),
    _text("job_template_key"),
    _text("utm_source"),
    _text("utm_medium"),
    _text("utm_campaign"),
    _text("utm_content"),
    _time("applied_at"),
    _text("applied_at_raw"),
    _text("language"),
    _text("person_key"),
    Column("payload_sha256", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("1")),
    _time("first_seen_at", default_now=True),
    _time("last_seen_at", default_now=True),
    _time("changed_at", default_now=True),
    _count("confirmed_revision"),
    _time("confirmed_at"),
    _text("confirm_error"),
    _time("confirm_retry_at"),  # when a refused confirm is tried again
    _time("retention_until"),
    Column("legal_hold", Boolean, nullable=False, server_default=text("false")),
    _time("erased_at"),
    ForeignKeyConstraint(["client_id"], ["ats.client.client_id"]),
    ForeignKeyConstraint(
        ["client_id", "external_reference_id"],
        ["ats.job.client_id", "ats.job.external_reference_id"],
    ),
    Index("ix_application_external_reference_id", "client_id", "external_reference_id"),
    Index("ix_application_applied_at", "client_id", "applied_at"),
    # The outbox: what PitchYou has not been told yet. Small, so that `status` stays instant.
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
    _key("client_id"),
    _key("profile_id"),
    _text("first_name"),
    _text("last_name"),
    _text("email"),
    _text("phone"),
    Column("extra", JSONB, nullable=False, server_default=_EMPTY),
    _of_application(),
    schema="ats",
)

answer = Table(
    "answer",
    metadata,
    _key("client_id"),
    _key("profile_id"),
    Column("step_no", Integer, primary_key=True, autoincrement=False),
    _text("question"),
    _text("answer"),
    Column("answer_json", JSONB),
    Column("extra", JSONB, nullable=False, server_default=_EMPTY),
    _of_application(),
    schema="ats",
)

media = Table(
    "media",
    metadata,
    _key("client_id"),
    _key("profile_id"),
    _key("media_id"),
    _text("mime_type"),
    _text("mime_sniffed"),
    _text("file_name"),
    _text("download_uri"),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("size_bytes", BigInteger),
    Column("sha256", LargeBinary),
    _text("storage_path"),
    _count("attempts"),
    _time("next_attempt_at", default_now=True),
    _time("missing_since"),  # the first 404 or 410 in a row
    _text("last_error"),
    _time("stored_at"),
    _time("verified_at"),
    _of_application(),
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
    _key("client_id"),
    _key("profile_id"),
    _key("role"),
    Column("step_no", Integer, primary_key=True, autoincrement=False),  # -1 for cv and profile_image
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    _text("media_id", nullable=False),
    ForeignKeyConstraint(
        ["client_id", "profile_id", "media_id"],
        ["ats.media.client_id", "ats.media.profile_id", "ats.media.media_id"],
        ondelete="CASCADE",
    ),
    Index("ix_attachment_media_id", "client_id", "profile_id", "media_id"),
    schema="ats",
)

application_raw = Table(
    "application_raw",
    metadata,
    _key("client_id"),
    _key("profile_id"),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
    _time("received_at", default_now=True),
    _of_application(),
    schema="ats",
)

lease = Table(
    "lease",
    metadata,
    _key("client_id"),
    _text("holder", nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    schema="ops",
)

cycle = Table(
    "cycle",
    metadata,
    Column("cycle_id", BigInteger, Identity(always=True), primary_key=True),
    _text("client_id", nullable=False),
    Column("trigger", Text, nullable=False),  # schedule or command
    Column("outcome", Text, nullable=False, server_default=text("'running'")),
    _time("started_at", default_now=True),
    _time("heartbeat_at", default_now=True),
    _time("finished_at"),
    _count("seen"),
    _count("new"),
    _count("changed"),
    _count("unchanged"),
    _count("quarantined"),
    _count("media_stored"),
    Column("media_bytes", BigInteger, nullable=False, server_default=text("0")),
    _count("media_gone"),
    _count("media_rejected"),
    _count("confirmed"),
    _count("confirm_refused"),
    _count("http_calls"),
    _count("http_retries"),
    _text("error_class"),
    _text("error_message"),
    _text("version", nullable=False),
    Index("ix_cycle_client_id_started_at", "client_id", text("started_at DESC")),
    Index("ix_cycle_running", "client_id", postgresql_where=text("outcome = 'running'")),
    schema="ops",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", BigInteger, Identity(always=True), primary_key=True),
    _text("client_id", nullable=False),
    _text("profile_id"),  # where it could be read
    _text("stage", nullable=False),  # read or land
    _text("error", nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    _time("first_seen_at", default_now=True),
    _time("last_seen_at", default_now=True),
    _time("resolved_at"),
    Index(
        "uq_quarantine_unresolved",
        "client_id",
        "fingerprint",
        unique=True,
        postgresql_where=text("resolved_at IS NULL"),
    ),
    schema="ops",
)

media_removal = Table(
    "media_removal",
    metadata,
    _key("client_id"),
    _key("profile_id"),
    _key("media_id"),
    _time("requested_at", default_now=True),
    schema="ops",
)
