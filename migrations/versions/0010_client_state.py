"""Add the state of each client, from which status is read, so that `ops.cycle` need not have a row for each cycle.

Revision ID: 0010
Revises: 0009
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from syncd.store.schemas import write_comments

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A later migration may replace the view, but changes none of these files.
SQL = Path(__file__).parents[1]
COUNTS = (
    *("seen", "new", "changed", "unchanged", "quarantined", "media_stored", "media_bytes", "media_gone"),
    *("media_rejected", "confirmed", "confirm_refused", "http_calls", "http_retries"),
)

GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncd_writer') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ops.client_state TO syncd_writer;
    GRANT DELETE ON ops.cycle TO syncd_writer;
  END IF;
END $$
"""
# No syncd runs during a migration, so a cycle that still counts as running has died.
CLOSE = """
UPDATE ops.cycle SET
    outcome = 'aborted',
    finished_at = now(),
    error_class = 'ProcessDied',
    error_message = 'the process ended in the middle of this cycle'
WHERE outcome = 'running'
"""
FILL = f"""
INSERT INTO ops.client_state (
    client_id, is_running, trigger, version, last_started_at, heartbeat_at, last_finished_at, last_outcome,
    last_error_class, last_error_message, last_good_at, last_busy_at, failures, cycles_by_hour, {", ".join(COUNTS)}
)
SELECT newest.client_id, false, newest.trigger, newest.version, newest.started_at, newest.heartbeat_at,
       newest.finished_at, newest.outcome, newest.error_class, newest.error_message, good.finished_at, busy.finished_at,
       (
           SELECT count(*) FROM ops.cycle
           WHERE client_id = newest.client_id AND started_at > coalesce(good.started_at, '-infinity')
           AND (outcome = 'failed' OR error_class = 'ProcessDied')
       ),
       (
           SELECT array_agg(coalesce(n, 0) ORDER BY ago) FROM generate_series(0, 23) AS ago LEFT JOIN (
               SELECT floor(extract(epoch FROM newest.started_at) / 3600)
                   - floor(extract(epoch FROM started_at) / 3600) AS ago, CAST(count(*) AS integer) AS n
               FROM ops.cycle
               WHERE client_id = newest.client_id AND started_at > newest.started_at - interval '24 hours'
               GROUP BY 1
           ) AS hours USING (ago)
       ),
       {", ".join(f"newest.{name}" for name in COUNTS)}
FROM (SELECT client_id FROM ops.lease UNION SELECT client_id FROM ats.client) AS c
CROSS JOIN LATERAL (
    SELECT * FROM ops.cycle WHERE client_id = c.client_id ORDER BY started_at DESC LIMIT 1
) AS newest
LEFT JOIN LATERAL (
    SELECT started_at, finished_at FROM ops.cycle
    WHERE client_id = newest.client_id AND outcome IN ('ok', 'partial')
    ORDER BY started_at DESC LIMIT 1
) AS good ON true
LEFT JOIN LATERAL (
    SELECT finished_at FROM ops.cycle
    WHERE client_id = newest.client_id AND new + changed + media_stored + confirmed > 0
    ORDER BY started_at DESC LIMIT 1
) AS busy ON true
"""
# The version before reads the newest cycle, and the last good one, from `ops.cycle`.
KEEP_GOOD = """
INSERT INTO ops.cycle (client_id, trigger, version, outcome, started_at, heartbeat_at, finished_at)
SELECT client_id, trigger, version, CASE WHEN last_outcome = 'partial' THEN 'partial' ELSE 'ok' END,
       least(last_started_at, last_good_at), last_good_at, last_good_at
FROM ops.client_state s
WHERE last_good_at < coalesce(last_finished_at, last_started_at) AND NOT EXISTS (
    SELECT FROM ops.cycle
    WHERE client_id = s.client_id AND outcome IN ('ok', 'partial') AND finished_at >= s.last_good_at
)
"""
KEEP_NEWEST = f"""
INSERT INTO ops.cycle (
    client_id, trigger, version, outcome, started_at, heartbeat_at, finished_at, error_class, error_message,
    {", ".join(COUNTS)}
)
SELECT client_id, trigger, version, last_outcome, least(last_started_at, last_finished_at), last_finished_at,
       last_finished_at, last_error_class, last_error_message, {", ".join(COUNTS)}
FROM ops.client_state s
WHERE last_outcome IS NOT NULL AND NOT EXISTS (
    SELECT FROM ops.cycle WHERE client_id = s.client_id AND finished_at >= s.last_finished_at
)
"""
KEEP_RUNNING = """
INSERT INTO ops.cycle (client_id, trigger, version, started_at, heartbeat_at)
SELECT client_id, trigger, version, last_started_at, heartbeat_at FROM ops.client_state WHERE is_running
"""


def upgrade() -> None:
    op.create_table(
        "client_state",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("last_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_finished_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("last_outcome", "last_error_class", "last_error_message")
        ),
        sa.Column("last_good_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_busy_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cycles_by_hour", sa.ARRAY(sa.Integer()), nullable=False),
        *(_count(name) for name in COUNTS),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_state")),
        schema="ops",
    )
    for statement in (CLOSE, FILL, GRANTS):
        op.execute(statement)
    op.drop_index("ix_cycle_running", table_name="cycle", schema="ops")
    _run("client_state/sync_health")
    write_comments(op.get_bind())


def _count(name: str) -> sa.Column[int]:
    kind = sa.BigInteger() if name == "media_bytes" else sa.Integer()
    return sa.Column(name, kind, server_default=sa.text("0"), nullable=False)


def downgrade() -> None:
    for statement in (KEEP_GOOD, KEEP_NEWEST, KEEP_RUNNING):
        op.execute(statement)
    op.create_index(
        "ix_cycle_running",
        "cycle",
        ["client_id"],
        schema="ops",
        postgresql_where=sa.text("outcome = 'running'"),
    )
    _run("report_v1/sync_health", replace=True)
    op.drop_table("client_state", schema="ops")


def _run(name: str, *, replace: bool = False) -> None:
    """Run a file of SQL in which no value is bound."""
    sql = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    if replace:
        sql = sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
