"""One row for each cycle in `ops.cycle`: what the cycle did, and how it ended."""

from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, text

from syncd import __version__
from syncd.errors import SyncdError
from syncd.model import Outcome
from syncd.store.applications import Landed

Trigger = Literal["schedule", "command"]


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


_BEGIN = text(
    """
    WITH died AS (
        UPDATE ops.cycle SET
            outcome = 'aborted',
            finished_at = now(),
            error_class = 'ProcessDied',
            error_message = 'the process ended in the middle of this cycle'
        WHERE client_id = :client_id AND outcome = 'running'
    )
    INSERT INTO ops.cycle (client_id, trigger, version) VALUES (:client_id, :trigger, :version)
    RETURNING cycle_id
    """
)


def begin(connection: Connection, client_id: str, trigger: Trigger) -> int:
    """Inserts the row of a new cycle, and closes the rows of cycles whose process died. Returns the cycle_id."""
    cycle_id: int = connection.execute(
        _BEGIN, {"client_id": client_id, "trigger": trigger, "version": __version__}
    ).scalar_one()
    return cycle_id


_BEAT = text("UPDATE ops.cycle SET heartbeat_at = now() WHERE cycle_id = :cycle_id")


def beat(connection: Connection, cycle_id: int) -> None:
    """Moves the heartbeat; called in each transaction that writes for the cycle."""
    connection.execute(_BEAT, {"cycle_id": cycle_id})


_FINISH = text(
    """
    UPDATE ops.cycle SET
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
        http_retries = :http_retries,
        outcome = :outcome,
        error_class = :error_class,
        error_message = :error_message,
        heartbeat_at = now(),
        finished_at = now()
    WHERE cycle_id = :cycle_id AND client_id = :client_id
    """
)


def finish(
    connection: Connection,
    client_id: str,
    cycle_id: int,
    tally: Tally,
    outcome: Outcome,
    error: Exception | None = None,
) -> None:
    """Closes the row of a cycle. Quotes only syncd's own errors, since other errors may hold personal data."""
    unexpected = "unexpected; the log says where" if error else None
    connection.execute(
        _FINISH,
        {
            **asdict(tally),
            "client_id": client_id,
            "cycle_id": cycle_id,
            "outcome": outcome.value,
            "error_class": type(error).__name__ if error else None,
            "error_message": str(error) if isinstance(error, SyncdError) else unexpected,
        },
    )
