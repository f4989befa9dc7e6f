"""Bring the interview templates that PitchYou offers into the store (S1.1)."""

from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.logs import get_logger
from syncd.pitchyou import PitchYou
from syncd.store import templates
from syncd.store.engine import Database
from syncd.store.templates import Recorded

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Synced:
    """What an answer brought: `listed` templates, `unreadable` elements beside them, and what they changed."""

    listed: int
    unreadable: int
    recorded: Recorded


def sync_templates(api: PitchYou, database: Database, deadline: Deadline) -> Synced:
    """Read the list and write it down. It needs no lease: whoever does it again comes to the same.

    What is no longer listed is marked as removed and stays. An answer that is empty or partly unreadable removes
    nothing, since nobody can tell what it should have held.

    Raises:
        ApiError: PitchYou gave no list; nothing was changed.
        DatabaseUnavailable: it could not be written.
    """
    answer = api.templates(deadline)
    listed, unreadable = len(answer.templates), answer.unreadable
    whole = bool(listed) and not unreadable
    recorded = database.transact(
        lambda c: templates.record(c, api.client_id, answer.templates, removes=whole), deadline
    )
    if not whole:
        log.warning("templates_incomplete", client_id=api.client_id, listed=listed, unreadable=unreadable)
    return Synced(listed, unreadable, recorded)
