"""One row per cycle in `ops.cycle`: what it did, and how it ended."""

from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, text

from syncd import __version__
from syncd.errors import SyncdError
from syncd.model import Outcome

Trigger = Literal["schedule", "command"]


@dataclass(slots=True)
class Tally:
    """What a cycle has done so far. The counts are of things, `media_bytes` of bytes."""

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


_COUNTS = tuple(Tally.__dataclass_fields__)


def begin(connection: Connection, client_id: str, trigger: Trigger) -> int:
    """Open the row of a new cycle, and close those of cycles whose process died. Returns the cycle_id."""
    cycle_id: int = connection.execute(
        text(
            "WITH died AS (UPDATE ops.cycle SET outcome = 'aborted', finished_at = now(), "
            "error_class = 'ProcessDied', error_message = 'the process ended in the middle of this cycle' "
            "WHERE client_id = :client_id AND outcome = 'running') "
            "INSERT INTO ops.cycle (client_id, trigger, version) VALUES (:client_id, :trigger, :version) "
            "RETURNING cycle_id"
        ),
        {"client_id": client_id, "trigger": trigger, "version": __version__},
    ).scalar_one()
    return cycle_id


def beat(connection: Connection, cycle_id: int) -> None:
    """Move the heartbeat; called in each transaction that got work done."""
    connection.execute(
        text("UPDATE ops.cycle SET heartbeat_at = now() WHERE cycle_id = :cycle_id"), {"cycle_id": cycle_id}
    )


def finish(
    connection: Connection, cycle_id: int, tally: Tally, outcome: Outcome, error: Exception | None = None
) -> None:
    """Close the row of a cycle. Only syncd's own errors are quoted: the text of others may hold personal data."""
    unexpected = "unexpected; the log says where" if error else None
    assignments = ", ".join(f"{name} = :{name}" for name in _COUNTS)
    connection.execute(
        text(
            f"UPDATE ops.cycle SET {assignments}, outcome = :outcome, error_class = :error_class, "
            "error_message = :error_message, heartbeat_at = now(), finished_at = now() WHERE cycle_id = :cycle_id"
        ),
        {
            **asdict(tally),
            "cycle_id": cycle_id,
            "outcome": outcome.value,
            "error_class": type(error).__name__ if error else None,
            "error_message": str(error) if isinstance(error, SyncdError) else unexpected,
        },
    )
