"""Schema `ops`: how syncd works."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from syncd.store.tables.columns import count_column, key_column, metadata, text_column, time_column

lease = Table(
    "lease",
    metadata,
    key_column("client_id"),
    text_column("holder", nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    schema="ops",
)

cycle = Table(
    "cycle",
    metadata,
    Column("cycle_id", BigInteger, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    Column("trigger", Text, nullable=False),  # schedule or command
    Column("outcome", Text, nullable=False, server_default=text("'running'")),  # never left at its default
    time_column("started_at", default_now=True),
    time_column("heartbeat_at", default_now=True),
    time_column("finished_at"),
    count_column("seen"),
    count_column("new"),
    count_column("changed"),
    count_column("unchanged"),
    count_column("quarantined"),
    count_column("media_stored"),
    Column("media_bytes", BigInteger, nullable=False, server_default=text("0")),
    count_column("media_gone"),
    count_column("media_rejected"),
    count_column("confirmed"),
    count_column("confirm_refused"),
    count_column("http_calls"),
    count_column("http_retries"),
    text_column("error_class"),
    text_column("error_message"),
    text_column("version", nullable=False),
    Index("ix_cycle_client_id_started_at", "client_id", text("started_at DESC")),
    schema="ops",
)

# What each cycle of a client overwrites. The counts are those of the last cycle that has ended.
client_state = Table(
    "client_state",
    metadata,
    key_column("client_id"),
    Column("is_running", Boolean, nullable=False),
    Column("trigger", Text, nullable=False),  # as in ops.cycle
    text_column("version", nullable=False),
    Column("last_started_at", DateTime(timezone=True), nullable=False),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False),
    time_column("last_finished_at"),
    text_column("last_outcome"),
    text_column("last_error_class"),
    text_column("last_error_message"),
    time_column("last_good_at"),
    time_column("last_busy_at"),
    count_column("failures"),
    time_column("next_start_at"),
    time_column("pruned_at"),
    Column("cycles_by_hour", ARRAY(Integer), nullable=False),
    count_column("seen"),
    count_column("new"),
    count_column("changed"),
    count_column("unchanged"),
    count_column("quarantined"),
    count_column("media_stored"),
    Column("media_bytes", BigInteger, nullable=False, server_default=text("0")),
    count_column("media_gone"),
    count_column("media_rejected"),
    count_column("confirmed"),
    count_column("confirm_refused"),
    count_column("http_calls"),
    count_column("http_retries"),
    schema="ops",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", BigInteger, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    text_column("profile_id"),  # if it could be read
    text_column("stage", nullable=False),  # read or land
    text_column("error", nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    time_column("first_seen_at", default_now=True),
    time_column("last_seen_at", default_now=True),
    time_column("resolved_at"),
    time_column("received_at", default_now=True),  # of the bytes, which a newer list may replace
    # client_id comes last, so that without statistics Postgres does not take it for the unique one.
    Index(
        "ix_quarantine_profile_id",
        "profile_id",
        "client_id",
        postgresql_where=text("resolved_at IS NULL"),
    ),
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
    key_column("client_id"),
    key_column("profile_id"),
    key_column("media_id"),
    time_column("requested_at", default_now=True),
    schema="ops",
)

# Keys of syncd's own. The migration makes them, so that a backup has them.
secret = Table(
    "secret",
    metadata,
    key_column("name"),
    Column("value", LargeBinary, nullable=False),
    schema="ops",
)

# Keys are paths and types only. No value of a profile is in it.
schema_drift = Table(
    "schema_drift",
    metadata,
    key_column("client_id"),
    key_column("path"),
    key_column("type"),
    Column("seen", BigInteger, nullable=False, server_default=text("0")),
    time_column("first_seen_at", default_now=True),
    time_column("last_seen_at", default_now=True),
    schema="ops",
)

# How far the last replay of a client has come, so that the next one goes on.
replay = Table(
    "replay",
    metadata,
    key_column("client_id"),
    Column("rules", LargeBinary, nullable=False),
    Column("after_profile_id", Text, nullable=False, server_default=text("''")),
    count_column("applications"),
    count_column("changed"),
    count_column("left_alone"),
    time_column("started_at", default_now=True),
    time_column("updated_at", default_now=True),
    time_column("finished_at"),
    schema="ops",
)

# The media root has the same token in a file of its own. See syncd/sync/pair.py.
store_mark = Table(
    "store_mark",
    metadata,
    key_column("client_id"),
    Column("generation", BigInteger, nullable=False, server_default=text("0")),
    text_column("token"),
    text_column("next_token"),
    time_column("changed_at", default_now=True),
    schema="ops",
)

acceptance = Table(
    "acceptance",
    metadata,
    Column("acceptance_id", BigInteger, Identity(always=True), primary_key=True),
    text_column("client_id", nullable=False),
    text_column("kind", nullable=False),  # database_older, disk_older or another_store
    Column("without_row", ARRAY(Text), nullable=False),
    Column("without_file", ARRAY(Text), nullable=False),
    time_column("accepted_at", default_now=True),
    schema="ops",
)
