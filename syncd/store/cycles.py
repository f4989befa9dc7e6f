"""What each client's newest cycle does and has done (`ops.client_state`), and the cycles worth a row (`ops.cycle`).

`ops.client_state` has one row for each client. The transactions that begin and end a cycle write it, and each writing
transaction in between moves its heartbeat. A cycle that changed nothing and ended as the one before leaves no other trace.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from syncd import __version__
from syncd.errors import SyncdError
from syncd.model import Outcome
from syncd.store.applications import Landed

Trigger = Literal["schedule", "command"]

# Rows of `ops.cycle` that one transaction deletes at most.
PRUNED_AT_ONCE = 1000


@dataclass(slots=True)
class Tally:
    """What a cycle has done so far. `media_bytes` counts bytes; the others count profiles, files, ids or requests."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    media_stored: int = 0
    media_bytes: int = 0
    media_gone: int = 0
    media_rejected: int = 0
    confirmed: int = 0
    confirm_refused: int = 0
    http_calls: int = 0
    http_retries: int = 0

    def add(self, landed: Landed) -> None:
        """Adds the profiles of a batch that was landed."""
        self.new += landed.new
        self.changed += landed.changed
        self.unchanged += landed.unchanged

    @property
    def stored_or_confirmed(self) -> bool:
        """Whether the cycle has stored or confirmed something."""
        return any((self.new, self.changed, self.media_stored, self.confirmed))

    @property
    def did_something(self) -> bool:
        """Whether the cycle has done something. Profiles in quarantine do not count: each list may contain them again."""
        return self.stored_or_confirmed or any((self.media_gone, self.media_rejected, self.confirm_refused))


# An element of `cycles_by_hour` counts the cycles that began in one hour, the newest hour first.
_BEGIN = text(
    """
    WITH died AS (
        INSERT INTO ops.cycle (
            client_id, trigger, version, outcome, started_at, heartbeat_at, finished_at, error_class, error_message
        )
        SELECT client_id, trigger, version, 'aborted', last_started_at, heartbeat_at, now(), 'ProcessDied', :died
        FROM ops.client_state WHERE client_id = :client_id AND is_running
    )
    INSERT INTO ops.client_state AS s (
        client_id, is_running, trigger, version, last_started_at, heartbeat_at, cycles_by_hour
    )
    VALUES (:client_id, true, :trigger, :version, now(), now(), ARRAY[1] || array_fill(0, ARRAY[23]))
    ON CONFLICT (client_id) DO UPDATE SET
        is_running = true,
        trigger = excluded.trigger,
        version = excluded.version,
        last_started_at = now(),
        heartbeat_at = now(),
        last_finished_at = CASE WHEN s.is_running THEN now() ELSE s.last_finished_at END,
        last_outcome = CASE WHEN s.is_running THEN 'aborted' ELSE s.last_outcome END,
        last_error_class = CASE WHEN s.is_running THEN 'ProcessDied' ELSE s.last_error_class END,
        last_error_message = CASE WHEN s.is_running THEN :died ELSE s.last_error_message END,
        next_start_at = NULL,
        failures = s.failures + CASE WHEN s.is_running THEN 1 ELSE 0 END,
        cycles_by_hour = (
            SELECT CASE WHEN passed = 0
                THEN ARRAY[s.cycles_by_hour[1] + 1] || s.cycles_by_hour[2:24]
                ELSE ARRAY[1] || (array_fill(0, ARRAY[passed - 1]) || s.cycles_by_hour)[1:23]
            END
            FROM (
                SELECT CAST(greatest(0, least(24, floor(extract(epoch FROM now()) / 3600)
                    - floor(extract(epoch FROM s.last_started_at) / 3600))) AS integer) AS passed
            ) AS hours
        )
    RETURNING last_started_at
    """
)


def begin(connection: Connection, client_id: str, trigger: Trigger) -> datetime:
    """Notes that a cycle runs, and adds a row for a cycle whose process died. Returns when the cycle began."""
    started_at: datetime = connection.execute(
        _BEGIN,
        {
            "client_id": client_id,
            "trigger": trigger,
            "version": __version__,
            "died": "the process ended in the middle of this cycle",
        },
    ).scalar_one()
    return started_at


_BEAT = text("UPDATE ops.client_state SET heartbeat_at = now() WHERE client_id = :client_id")


def beat(connection: Connection, client_id: str) -> None:
    """Moves the heartbeat; called in each transaction that writes for the running cycle."""
    connection.execute(_BEAT, {"client_id": client_id})


# `running` shows the state as it was before this statement. Without such a row, an earlier attempt was committed.
_FINISH = text(
    """
    WITH running AS (SELECT * FROM ops.client_state WHERE client_id = :client_id AND is_running),
    ended AS (
        UPDATE ops.client_state s SET
            is_running = false,
            heartbeat_at = now(),
            last_finished_at = now(),
            last_outcome = :outcome,
            last_error_class = :error_class,
            last_error_message = :error_message,
            last_good_at = CASE WHEN :is_good THEN now() ELSE s.last_good_at END,
            last_busy_at = CASE WHEN :is_busy THEN now() ELSE s.last_busy_at END,
            failures = CASE WHEN :is_good THEN 0 ELSE s.failures + :failed END,
            next_start_at = :next_start_at,
            seen = :seen,
            new = :new,
            changed = :changed,
            unchanged = :unchanged,
            quarantined = :quarantined,
            media_stored = :media_stored,
            media_bytes = :media_bytes,
            media_gone = :media_gone,
            media_rejected = :media_rejected,
            confirmed = :confirmed,
            confirm_refused = :confirm_refused,
            http_calls = :http_calls,
            http_retries = :http_retries
        FROM running WHERE s.client_id = running.client_id
    ),
    noted AS (
        INSERT INTO ops.cycle (
            client_id, trigger, version, outcome, started_at, heartbeat_at, finished_at, error_class, error_message,
            seen, new, changed, unchanged, quarantined, media_stored, media_bytes, media_gone, media_rejected,
            confirmed, confirm_refused, http_calls, http_retries
        )
        SELECT client_id, trigger, version, :outcome, last_started_at, now(), now(), :error_class, :error_message,
               :seen, :new, :changed, :unchanged, :quarantined, :media_stored, :media_bytes, :media_gone,
               :media_rejected, :confirmed, :confirm_refused, :http_calls, :http_retries
        FROM running
        WHERE :did_something OR NOT :is_good OR last_outcome IS DISTINCT FROM :outcome OR quarantined != :quarantined
        RETURNING cycle_id
    )
    SELECT (SELECT cycle_id FROM noted) AS cycle_id,
           pruned_at IS NULL OR pruned_at < now() - interval '1 day' AS prune_now
    FROM running
    """
)
_PRUNE = text(
    """
    DELETE FROM ops.cycle WHERE cycle_id IN (
        SELECT cycle_id FROM ops.cycle
        WHERE client_id = :client_id AND started_at < now() - make_interval(days => :days)
        AND started_at < (SELECT max(started_at) FROM ops.cycle WHERE client_id = :client_id)
        ORDER BY started_at LIMIT :at_once
    )
    """
)
_PRUNED = text("UPDATE ops.client_state SET pruned_at = now() WHERE client_id = :client_id")


def finish(
    connection: Connection,
    client_id: str,
    tally: Tally,
    outcome: Outcome,
    error: Exception | None = None,
    *,
    history_days: int,
    next_start_at: datetime | None = None,
) -> int | None:
    """Notes how the cycle ended. Quotes only syncd's own errors, since other errors may hold personal data.

    Once a day, deletes the client's rows of `ops.cycle` that are older than `history_days`, except for the newest row.

    Args:
        next_start_at: when the next cycle is due, if that is known.

    Returns:
        The cycle_id; None if the cycle did nothing and ended as the one before, so that it got no row.
    """
    unexpected = "unexpected; the log says where" if error else None
    ended = connection.execute(
        _FINISH,
        {
            **asdict(tally),
            "client_id": client_id,
            "outcome": outcome.value,
            "error_class": type(error).__name__ if error else None,
            "error_message": str(error) if isinstance(error, SyncdError) else unexpected,
            "is_good": outcome in (Outcome.OK, Outcome.PARTIAL),
            "is_busy": tally.stored_or_confirmed,
            "did_something": tally.did_something,
            "failed": int(outcome is Outcome.FAILED),
            "next_start_at": next_start_at,
        },
    ).first()
    if ended is not None and ended.prune_now:
        _prune(connection, client_id, history_days)
    return None if ended is None else ended.cycle_id


def _prune(connection: Connection, client_id: str, days: int) -> None:
    values = {"client_id": client_id, "days": days, "at_once": PRUNED_AT_ONCE}
    # After a full batch, the next cycle deletes the next one.
    if connection.execute(_PRUNE, values).rowcount < PRUNED_AT_ONCE:
        connection.execute(_PRUNED, {"client_id": client_id})
