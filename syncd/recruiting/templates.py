"""Stores the interview templates that PitchYou offers (S1.1)."""

from dataclasses import dataclass

from syncd.deadline import Deadline
from syncd.pitchyou import PitchYou
from syncd.store import clients, templates
from syncd.store.database import Database
from syncd.store.templates import Recorded


@dataclass(frozen=True, slots=True)
class Synced:
    """The result of an update: the number of `listed` templates and `unreadable` elements, and the recorded changes.

    `more` is how PitchYou said that it lists more than its response contained, or None. Templates are marked as removed only if the response was `whole`.
    """

    listed: int
    unreadable: int
    whole: bool
    recorded: Recorded
    more: str | None = None


def sync_templates(api: PitchYou, database: Database, deadline: Deadline) -> Synced:
    """Fetch the list of templates and store it. Idempotent, so it needs no lease.

    Marks templates that are no longer listed as removed, but keeps them. If the response is empty, partly unreadable or
    only a part of the list, marks none: its missing elements are unknown.

    Raises:
        AnotherServer: `base_url` leads to another server than before.
        ApiError: the list could not be fetched. Nothing was changed.
        DatabaseUnavailable: the list could not be stored.
    """
    database.transact(lambda c: clients.require_server(c, api.client_id, api.server), deadline)
    answer = api.templates(deadline)
    recorded = database.transact(
        lambda c: templates.record(c, api.client_id, answer.templates, removes=answer.whole), deadline
    )
    return Synced(len(answer.templates), answer.unreadable, answer.whole, recorded, answer.more)
