"""Re-parses quarantined profiles with the current version and field map, and lands those that are readable now."""

from dataclasses import dataclass

from sqlalchemy import Connection

from syncd.errors import DataRefused
from syncd.model import BadProfile, Profile
from syncd.store import applications, clients, quarantine
from syncd.store.quarantine import Place
from syncd.sync.drift import note_drift
from syncd.sync.land import refused_value
from syncd.sync.work import Work

_CHUNK = 50


@dataclass(slots=True)
class Retried:
    """How many entries were landed, were overtaken by a newer list, or are still bad."""

    landed: int = 0
    overtaken: int = 0
    still_bad: int = 0


def retry_quarantined(work: Work) -> Retried:
    """Retries every unresolved entry of the client once, each in a transaction of its own.

    The newest entries come first. So the older versions of an application find themselves overtaken; while a newer
    version is still bad, they wait for it. The next cycle fetches and confirms what was landed.
    """
    work.store.read(clients.require_server, work.api.server)
    retried, before = Retried(), quarantine.NEWEST
    while entries := work.store.read(quarantine.unresolved_before, before, _CHUNK):
        for place, payload in entries:
            work.deadline.check()
            _retry(work, place, work.api.read(payload), retried)
            before = place
    note_drift(work.store, work.unknown)
    return retried


def _retry(work: Work, place: Place, profile: Profile | BadProfile, retried: Retried) -> None:
    if isinstance(profile, BadProfile):
        reason = profile.reason
    elif work.store.read(quarantine.newer_waits, place, profile.profile_id):
        reason = "a newer version of this profile is unreadable; this version waits for it"
    else:
        try:
            overtaken = work.store.write(_land, place.quarantine_id, profile, work.plan.phone_region)
        except _IsTwin:
            reason = profile.as_twin().reason
        except DataRefused as error:
            reason = refused_value(error)
        else:
            retried.overtaken += overtaken
            retried.landed += not overtaken
            if not overtaken:
                work.unknown.add(profile)
            return
    work.store.write(quarantine.note_attempt, place.quarantine_id, reason)
    retried.still_bad += 1


class _IsTwin(Exception):
    """An application with the same id of another JSON type is stored."""


def _land(connection: Connection, client_id: str, quarantine_id: int, profile: Profile, region: str) -> bool:
    """Lands an entry unless a newer list has overtaken it, and resolves it either way. Returns whether it was overtaken."""
    overtaken = quarantine.overtaken(connection, client_id, quarantine_id, profile.profile_id)
    if not overtaken and applications.land(connection, client_id, [profile], region).twins:
        raise _IsTwin
    quarantine.note_attempt(connection, client_id, quarantine_id, None)
    return overtaken
