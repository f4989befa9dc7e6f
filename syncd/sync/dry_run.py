"""A cycle that only looks: what would be new, changed or quarantined. It writes and confirms nothing."""

from syncd.deadline import Deadline
from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.store import applications
from syncd.store.cycles import Tally
from syncd.store.database import Database
from syncd.sync.changes import portions
from syncd.sync.client_cycle import Client

log = get_logger(__name__)


def rehearse(client: Client, database: Database, deadline: Deadline) -> Tally:
    """Read the list and compare it with the database. Needs no lease, so it may run beside a daemon."""
    tally = Tally()
    client_id = client.plan.client_id
    with client.api.profiles(deadline) as listing:

        def known_bytes(ids: list[str]) -> dict[str, bytes]:
            return database.transact(lambda c: applications.known_bytes(c, client_id, ids), deadline)

        for portion in portions(listing, client_id, client.plan.batch_size, known_bytes):
            good = [profile for profile in portion.profiles if isinstance(profile, Profile)]
            landed = database.transact(lambda c: applications.compare(c, client_id, good), deadline)  # noqa: B023
            tally.seen += len(portion.profiles) + portion.unchanged
            tally.new += landed.new
            tally.changed += landed.changed
            tally.unchanged += landed.unchanged + portion.unchanged
            for profile in portion.profiles:
                if isinstance(profile, BadProfile):
                    tally.quarantined += 1
                    log.warning(
                        "profile_unreadable",
                        client_id=client_id,
                        profile_id=profile.profile_id,
                        reason=profile.reason,
                    )
    tally.http_calls, tally.http_retries = client.api.calls, client.api.retries
    return tally
