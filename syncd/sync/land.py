"""Stage 1: what PitchYou lists becomes rows, and what cannot be read becomes an entry in quarantine."""

from contextlib import closing

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.store import applications, quarantine
from syncd.store.applications import Landed
from syncd.store.failures import sqlstate
from syncd.sync.changes import ahead, portions
from syncd.sync.work import Work

log = get_logger(__name__)

_DATA_REFUSED = (
    "22",
    "23",
    "54",
    "",
)  # data exception, constraint, program limit; none: refused by the driver


def land_listed(work: Work) -> None:
    """Read the list of applications and land what is new or changed, one transaction for each batch.

    The whole answer is landed even when a stop is asked for meanwhile, since PitchYou may list a profile only once.
    """
    work.listed_at = None
    asked_at: list[float] = []  # each try of it

    def before_send() -> None:
        asked_at.append(work.require_lease())

    with work.api.profiles(work.deadline, before_send=before_send) as listing:
        work.listed = len(listing)

        def known_bytes(ids: list[str]) -> dict[str, bytes]:
            return work.read(lambda c: applications.known_bytes(c, work.client_id, ids))

        sifted = portions(listing, work.client_id, work.plan.batch_size, known_bytes)
        # Its thread ends before the listing does, whatever happens.
        with closing(ahead(sifted)) as read_ahead:
            for portion in read_ahead:
                if portion.profiles:
                    land(work, portion.profiles)
                work.tally.seen += len(portion.profiles) + portion.unchanged
                work.tally.unchanged += portion.unchanged
                work.progress(work)
    work.listed_at = asked_at[-1]


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
