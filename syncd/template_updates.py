"""Updates a client's interview templates for the daemon, and logs how that went."""

import threading
from dataclasses import asdict

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, Stopped, SyncdError
from syncd.logs import get_logger
from syncd.recruiting.templates import sync_templates
from syncd.store.database import Database
from syncd.sync.client_cycle import Client

log = get_logger(__name__)

# How long it may take to fetch the templates, and when to retry after a failure. In seconds.
TEMPLATES_LIMIT = 120.0
TEMPLATES_AGAIN = 3600.0
# When to retry what Postgres interrupted or prevented.
AFTER_OUTAGE = 30.0


def update_templates(client: Client, database: Database, stop: threading.Event) -> float | None:
    """Update the client's templates. Return the seconds until a retry, or None if none is needed.

    This function logs and swallows every failure, since no caller could handle it.
    """
    client_id = client.plan.client_id
    try:
        synced = sync_templates(client.api, database, Deadline(TEMPLATES_LIMIT, stop=stop))
        log.info("templates_synced", client_id=client_id, listed=synced.listed, **asdict(synced.recorded))
        if not synced.whole:
            log.warning(
                "templates_incomplete", client_id=client_id, unreadable=synced.unreadable, error=synced.more
            )
    except Stopped:
        return None
    except SyncdError as error:
        # The `Database` has logged an outage, once for all clients.
        if isinstance(error, DatabaseUnavailable) and not error.refused:
            return AFTER_OUTAGE
        log.warning("templates_failed", client_id=client_id, error=error)
        return TEMPLATES_AGAIN
    except Exception:
        log.exception("templates_crashed", client_id=client_id)
    return None
