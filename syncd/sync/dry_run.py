"""Compares PitchYou's list with the database, without writing or confirming anything: `sync --dry-run`."""

from syncd.deadline import Deadline
from syncd.logs import get_logger
from syncd.model import BadProfile, Profile
from syncd.store import applications, clients
from syncd.store.cycles import Tally
from syncd.store.database import Database
from syncd.sync.changes import portions
from syncd.sync.client_cycle import Client
from syncd.sync.client_store import ClientReader

log = get_logger(__name__)


def rehearse(client: Client, database: Database, deadline: Deadline) -> Tally:
    """Counts what a cycle would land and quarantine. Needs no lease, so it may run beside a daemon."""
    tally = Tally()
    store = ClientReader(database, client.plan.client_id, deadline)
    store.read(clients.require_server, client.api.server)
    with client.api.profiles(deadline) as listing:
        for portion in portions(listing, store, client.plan.batch_size):
            good = [profile for profile in portion.profiles if isinstance(profile, Profile)]
            tally.add(store.read(applications.compare, good))
            portion.count_into(tally)
            for profile in portion.profiles:
                if isinstance(profile, BadProfile):
                    tally.quarantined += 1
                    log.warning(
                        "profile_unreadable",
                        client_id=store.client_id,
                        profile_id=profile.profile_id,
                        reason=profile.reason,
                    )
    tally.http_calls, tally.http_retries = client.api.calls, client.api.retries
    return tally
