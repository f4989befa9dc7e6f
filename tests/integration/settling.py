"""What the tests of the cycle ask again and again: run until nothing is new, and then prove that nothing moves."""

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
    """Run cycles until one brings nothing new, confirms nothing and leaves no file to fetch."""
    ended: list[Ended] = []
    for _ in range(cycles):
        ended.append(scene.cycle(**{**QUICK, **plan}))
        tally = ended[-1].tally
        pending = scene.value("SELECT count(*) FROM ats.media WHERE state = 'pending'")
        if not (tally.new or tally.changed or tally.confirmed or tally.media_stored or pending):
            return ended
    raise AssertionError(f"not settled after {cycles} cycles: {ended[-1]}")


def row_versions(scene: Scene) -> dict[str, Any]:
    """For each table but those of the work itself: its rows, where each lies, and which transaction wrote it."""
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS name, array_agg(ctid::text || '/' || xmin::text ORDER BY ctid) AS rows FROM {name}"
        for name in _TABLES
    )
    return {row["name"]: row["rows"] for row in scene.rows(query)}


def calls(scene: Scene, path: str) -> list[int]:
    """The statuses that the sandbox answered to calls of this path, in their order (0: no answer)."""
    return [request.status for request in scene.sandbox.ledger.requests if request.path == path]


def confirmed(scene: Scene) -> Counter[Any]:
    """How often each id was confirmed with success, keyed by (JSON type, value)."""
    return scene.sandbox.ledger.times_confirmed(scene.client.plan.client_id)


def assert_confirmed_once_each(scene: Scene) -> None:
    """Every application that exists was confirmed exactly once, by its own JSON type, and nothing else was."""
    ids = [typed(profile["profileId"]) for profile in scene.sandbox.expected()]
    assert confirmed(scene) == Counter(ids)


def assert_idle(scene: Scene) -> None:
    """A further cycle asks for the list alone: it writes no row and no file, downloads nothing, confirms nothing."""
    rows, files, asked = row_versions(scene), scene.files(), len(scene.sandbox.ledger.requests)
    ended = scene.cycle()
    assert (ended.error, ended.tally.new, ended.tally.changed, ended.tally.confirmed) == (None, 0, 0, 0)
    assert row_versions(scene) == rows
    assert scene.files() == files
    assert {request.path for request in scene.sandbox.ledger.requests[asked:]} <= {TOKEN, LIST}


def states(scene: Scene) -> dict[str, int]:
    """How many files are in which state."""
    found = scene.rows("SELECT state, count(*) AS files FROM ats.media GROUP BY state")
    return {row["state"]: row["files"] for row in found}


def landed(scene: Scene) -> set[str]:
    """The ids of all applications in the store."""
    return {row["profile_id"] for row in scene.rows("SELECT profile_id FROM ats.application")}


def quarantined(scene: Scene) -> Sequence[dict[str, Any]]:
    """The entries that wait in quarantine, oldest first."""
    return scene.rows("SELECT * FROM ops.quarantine WHERE resolved_at IS NULL ORDER BY quarantine_id")
