"""Reads again what is in quarantine, with this version's eyes and this configuration's field map."""

import sys
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from syncd.model import BadProfile, Profile
from syncd.store import applications, quarantine
from syncd.store.failures import sqlstate
from syncd.sync.work import Work

_CHUNK = 50


@dataclass(slots=True)
class Retried:
    """How many entries were landed, had been overtaken by a newer list answer, or are still bad."""

    landed: int = 0
    overtaken: int = 0
    still_bad: int = 0


def retry_quarantined(work: Work) -> Retried:
    """Try every unresolved entry of the client once, each in a transaction of its own.

    The newest come first, so that of several versions of an application the older ones find it overtaken; while a newer
    one is still bad, they wait for it. What is landed is fetched and confirmed by the next cycle, like any other application.
    """
    retried, before = Retried(), sys.maxsize
    while entries := work.read(
        lambda c: quarantine.unresolved_before(c, work.client_id, before, _CHUNK)  # noqa: B023 - runs at once
    ):
        for quarantine_id, _, payload in entries:
            work.deadline.check()
            _retry(work, quarantine_id, work.api.read(payload), retried)
            before = quarantine_id
    return retried


def _retry(work: Work, quarantine_id: int, profile: Profile | BadProfile, retried: Retried) -> None:
    if isinstance(profile, BadProfile):
        reason = profile.reason
    elif work.read(lambda c: quarantine.newer_waits(c, work.client_id, quarantine_id, profile.profile_id)):
        reason = "a newer version of this profile is unreadable, so this one waits for it"
    else:
        try:
            overtaken = work.write(lambda c: _land(c, work.client_id, quarantine_id, profile))
        except DBAPIError as error:
            reason = f"Postgres refused a value of this profile (SQLSTATE {sqlstate(error) or 'none'})"
        else:
            retried.overtaken += overtaken
            retried.landed += not overtaken
            return
    work.write(lambda c: quarantine.note_attempt(c, quarantine_id, reason))
    retried.still_bad += 1


def _land(connection: Connection, client_id: str, quarantine_id: int, profile: Profile) -> bool:
    overtaken = quarantine.overtaken(connection, quarantine_id, profile.profile_id)
    if not overtaken:
        applications.land(connection, client_id, [profile])
    quarantine.note_attempt(connection, quarantine_id, None)
    return overtaken
