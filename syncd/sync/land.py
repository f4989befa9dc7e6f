"""Stage 1: stores the profiles that PitchYou lists as rows, and puts unreadable ones into quarantine."""

from contextlib import closing

from sqlalchemy import Connection

from syncd.errors import DataRefused
from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.store import applications, confirmations, quarantine
from syncd.store.applications import Landed
from syncd.sync.changes import ahead, portions
from syncd.sync.narrowing import write_narrowed
from syncd.sync.work import Work

log = get_logger(__name__)


def land_listed(work: Work) -> None:
    """Reads the list of applications and lands what is new or changed, one transaction for each batch.

    Lands the whole list even if a stop is requested meanwhile, since PitchYou may list a profile only once.

    Raises:
        DataRefused: Postgres refuses to land a profile and to put it into quarantine. All others were landed.
    """
    work.listed_at = None
    lost: list[DataRefused] = []
    # When each attempt to get the list began.
    asked_at: list[float] = []

    def before_send() -> None:
        asked_at.append(work.store.require_lease())

    with work.api.profiles(work.deadline, before_send=before_send) as listing:
        work.listed, work.more_listed = len(listing), listing.more
        # The thread of `ahead` ends before the listing is closed, whatever happens.
        with closing(ahead(portions(listing, work.store, work.plan.batch_size))) as read_ahead:
            for portion in read_ahead:
                if portion.profiles:
                    lost += land(work, portion.profiles)
                if work.plan.confirm_again and work.started_at is not None:
                    work.store.write(confirmations.reopen, portion.ids, work.started_at)
                portion.count_into(work.tally)
                work.progress(work)
    if lost:
        # By this list nothing is confirmed: PitchYou would apply the confirm to a version that is stored nowhere.
        raise lost[0]
    work.listed_at = asked_at[-1]
    if work.restless:
        log.warning("profiles_keep_changing", client_id=work.client_id, changed=work.restless)
        work.restless = 0


def land(work: Work, batch: list[Profile | BadProfile]) -> list[DataRefused]:
    """Lands a batch in one transaction. Quarantines each profile of which Postgres refuses a value, and lands the others.

    Returns:
        Why profiles could not be put into quarantine either.
    """

    def write(some: list[Profile | BadProfile]) -> None:
        bad = [profile for profile in some if isinstance(profile, BadProfile)]
        landed, bad, kept = work.store.write(_land, some, bad, work.plan.phone_region)
        _note_quarantined(work, bad, kept)
        work.tally.add(landed)
        work.restless += landed.restless
        for profile in landed.written:
            work.unknown.add(profile)

    def put_aside(refused: list[BadProfile]) -> None:
        _note_quarantined(work, refused, work.store.write(quarantine.put, "land", refused))

    refused = [_refused(profile, error) for profile, error in write_narrowed(batch, write)]
    return [error for each in refused for _, error in write_narrowed([each], put_aside)]


def _land(
    connection: Connection,
    client_id: str,
    batch: list[Profile | BadProfile],
    bad: list[BadProfile],
    region: str,
) -> tuple[Landed, list[BadProfile], list[BadProfile]]:
    """Returns what was landed, all bad profiles of the batch, and those of them that were not in quarantine before."""
    good = [profile for profile in batch if isinstance(profile, Profile)]
    landed = applications.land(connection, client_id, good, region)
    resolved = [profile.profile_id for profile in good if profile not in landed.twins]
    quarantine.resolve(connection, client_id, resolved)
    bad = bad + [profile.as_twin() for profile in landed.twins]
    return landed, bad, quarantine.put(connection, client_id, "read", bad)


def _note_quarantined(work: Work, bad: list[BadProfile], kept: list[BadProfile]) -> None:
    """Counts all bad profiles, and logs those that were not in quarantine before."""
    for profile in kept:
        log.warning(
            "profile_quarantined",
            client_id=work.client_id,
            profile_id=profile.profile_id,
            reason=profile.reason,
        )
    work.bad.update(profile.profile_id or profile.fingerprint for profile in bad)
    work.tally.quarantined = len(work.bad)


def _refused(profile: Profile | BadProfile, error: DataRefused) -> BadProfile:
    return BadProfile(
        profile_id=profile.profile_id,
        reason=refused_value(error),
        fingerprint=profile.payload_sha256 if isinstance(profile, Profile) else profile.fingerprint,
        payload=profile.payload,
    )


def refused_value(error: DataRefused) -> str:
    """Returns why a profile cannot be landed, for its entry in quarantine."""
    return f"Postgres refused a value of this profile (SQLSTATE {error.sqlstate or 'none'})"
