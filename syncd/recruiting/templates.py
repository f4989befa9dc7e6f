"""Bring the interview templates that PitchYou offers into the store (S1.1)."""

from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.pitchyou import PitchYou
from syncd.store import templates
from syncd.store.database import Database
from syncd.store.templates import Recorded


@dataclass(frozen=True, slots=True)
class Synced:
    """What an answer brought: `listed` templates, `unreadable` elements beside them, and what they changed.

    Only when it was `whole` could it remove any.
    """

    listed: int
    unreadable: int
    whole: bool
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
    recorded = database.transact(
        lambda c: templates.record(c, api.client_id, answer.templates, removes=answer.whole), deadline
    )
    return Synced(len(answer.templates), answer.unreadable, answer.whole, recorded)
