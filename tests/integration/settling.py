"""Helps tests of the cycle: runs cycles until nothing is new, and then proves that nothing changes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from syncd.pitchyou import Limits
from syncd.sandbox.ledger import typed
from syncd.sync.client_cycle import Ended
from tests.scene import Scene

LIST, CONFIRM = "/api/applicant/v1/profiles", "/api/applicant/v1/confirm"
MEDIA = "/api/media/v1/download/{profileId}/{mediaId}"
TOKEN = "/token"

QUICK = {"media_retry": 0.02, "media_gone_after": 0.3}
IMPATIENT = Limits(connect=1.0, first_byte=1.0, between_chunks=1.0, rate_grace=0.3, minimum_rate=4096)

_TABLES = (
    *("ats.client", "ats.job", "ats.application", "ats.application_contact", "ats.application_raw"),
    *("ats.answer", "ats.media", "ats.attachment", "ops.quarantine", "ops.media_removal"),
)


def settle(scene: Scene, *, cycles: int = 40, **plan: Any) -> list[Ended]:
    """Runs cycles until one lands nothing new, confirms nothing and leaves no file to fetch."""
    ended: list[Ended] = []
    for _ in range(cycles):
        ended.append(scene.cycle(**{**QUICK, **plan}))
        tally = ended[-1].tally
        pending = scene.value("SELECT count(*) FROM ats.media WHERE state = 'pending'")
        if not (tally.new or tally.changed or tally.confirmed or tally.media_stored or pending):
            return ended
    raise AssertionError(f"not settled after {cycles} cycles: {ended[-1]}")


def row_versions(scene: Scene) -> dict[str, Any]:
    """Returns the rows of each table, except those about the work itself, with their location and transaction."""
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS name, array_agg(ctid::text || '/' || xmin::text ORDER BY ctid) AS rows FROM {name}"
        for name in _TABLES
    )
    return {row["name"]: row["rows"] for row in scene.rows(query)}


def calls(scene: Scene, path: str) -> list[int]:
    """Returns the statuses of the sandbox's answers to this path, in order (0: no answer)."""
    return [request.status for request in scene.sandbox.ledger.requests if request.path == path]


def confirmed(scene: Scene) -> Counter[Any]:
    """Counts the successful confirms of each id, keyed by (JSON type, value)."""
    return scene.sandbox.ledger.times_confirmed(scene.client.plan.client_id)


def assert_confirmed_once_each(scene: Scene) -> None:
    """Checks that every existing application was confirmed exactly once, with its JSON type, and that nothing else was."""
    ids = [typed(profile["profileId"]) for profile in scene.sandbox.expected()]
    assert confirmed(scene) == Counter(ids)


def assert_idle(scene: Scene) -> None:
    """Checks that a further cycle only requests the list: it writes no row or file, and downloads and confirms nothing."""
    rows, files, asked = row_versions(scene), scene.files(), len(scene.sandbox.ledger.requests)
    ended = scene.cycle()
    assert (ended.error, ended.tally.new, ended.tally.changed, ended.tally.confirmed) == (None, 0, 0, 0)
    assert row_versions(scene) == rows
    assert scene.files() == files
    assert {request.path for request in scene.sandbox.ledger.requests[asked:]} <= {TOKEN, LIST}


def states(scene: Scene) -> dict[str, int]:
    """Counts the files in each state."""
    found = scene.rows("SELECT state, count(*) AS files FROM ats.media GROUP BY state")
    return {row["state"]: row["files"] for row in found}


def landed(scene: Scene) -> set[str]:
    """Returns the ids of all applications in the store."""
    return {row["profile_id"] for row in scene.rows("SELECT profile_id FROM ats.application")}


def quarantined(scene: Scene) -> Sequence[dict[str, Any]]:
    """Returns the unresolved entries in quarantine, oldest first."""
    return scene.rows("SELECT * FROM ops.quarantine WHERE resolved_at IS NULL ORDER BY quarantine_id")
