"""Stage 1: what PitchYou lists becomes rows, and what cannot be read becomes an entry in quarantine."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.store import applications, quarantine
from syncd.store.applications import Landed
from syncd.store.engine import sqlstate
from syncd.sync.work import Work

log = get_logger(__name__)

BATCH_BYTES = 8 * 1024 * 1024  # so that memory stays flat with large profiles as well
_DATA_REFUSED = (
    "22",
    "23",
    "54",
    "",
)  # data exception, constraint, program limit; none: refused by the driver


def land_listed(work: Work) -> None:
    """Read the list of applications and land it, one transaction for each batch.

    The whole answer is landed even when a stop is asked for meanwhile, since PitchYou may list a profile only once.
    """
    with work.api.profiles(work.deadline) as listing:
        work.listed = len(listing)
        for batch in batches(once_each(listing, work.client_id), work.plan.batch_size):
            land(work, batch)
            work.tally.seen += len(batch)


def once_each(listing: Iterable[Profile | BadProfile], client_id: str) -> Iterator[Profile | BadProfile]:
    """Leave out profiles whose id was given before: the listing gives the last of them first, and the last wins.

    That holds for one that cannot be read as well: landing the older one in its place would confirm both.
    """
    seen: set[str] = set()
    for profile in listing:
        if profile.profile_id in seen:
            log.warning("profile_listed_twice", client_id=client_id, profile_id=profile.profile_id)
            continue
        if profile.profile_id is not None:
            seen.add(profile.profile_id)
        yield profile


def batches(profiles: Iterable[Profile | BadProfile], size: int) -> Iterator[list[Profile | BadProfile]]:
    """Lists of at most `size` profiles and, but for a single larger one, `BATCH_BYTES` of payload."""
    batch: list[Profile | BadProfile] = []
    held = 0
    for profile in profiles:
        if batch and (len(batch) == size or held + len(profile.payload) > BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(profile)
        held += len(profile.payload)
    if batch:
        yield batch


def land(work: Work, batch: list[Profile | BadProfile]) -> None:
    """Land a batch in one transaction; if the database refuses the data, narrow it down to the one it refuses."""
    bad = [profile for profile in batch if isinstance(profile, BadProfile)]
    try:
        landed, kept = work.write(lambda connection: _land(connection, work.client_id, batch, bad))
    except DBAPIError as error:
        if sqlstate(error)[:2] not in _DATA_REFUSED:
            raise
        if len(batch) > 1:
            middle = len(batch) // 2
            land(work, batch[:middle])
            land(work, batch[middle:])
        else:
            refused = _refused_by_postgres(batch[0], sqlstate(error))
            put = work.write(lambda connection: quarantine.put(connection, work.client_id, "land", [refused]))
            _note_quarantined(work, [refused], put)
        return
    _note_quarantined(work, bad, kept)
    work.tally.new += landed.new
    work.tally.changed += landed.changed
    work.tally.unchanged += landed.unchanged


def _land(
    connection: Connection, client_id: str, batch: list[Profile | BadProfile], bad: list[BadProfile]
) -> tuple[Landed, list[BadProfile]]:
    good = [profile for profile in batch if isinstance(profile, Profile)]
    landed = applications.land(connection, client_id, good)
    quarantine.resolve(connection, client_id, [profile.profile_id for profile in good])
    return landed, quarantine.put(connection, client_id, "read", bad)


def _note_quarantined(work: Work, bad: list[BadProfile], kept: list[BadProfile]) -> None:
    """Count what is bad, and log what was not in quarantine before."""
    for profile in kept:
        log.warning(
            "profile_quarantined",
            client_id=work.client_id,
            profile_id=profile.profile_id,
            reason=profile.reason,
        )
    work.bad.update(profile.fingerprint for profile in bad)
    work.tally.quarantined = len(work.bad)


def _refused_by_postgres(profile: Profile | BadProfile, state: str) -> BadProfile:
    return BadProfile(
        profile_id=profile.profile_id,
        reason=f"Postgres refused a value of this profile (SQLSTATE {state or 'none'})",
        fingerprint=profile.payload_sha256 if isinstance(profile, Profile) else profile.fingerprint,
        payload=profile.payload,
    )
