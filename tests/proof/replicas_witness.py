"""Records in the database who took which lease, and who committed what: by the connection, not by syncd's own columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.system.processes import Site

# Everything that a cycle writes. Templates are synced in parallel to the cycle, without its lease.
WRITTEN = (
    "ats.job",
    "ats.application",
    "ats.application_contact",
    "ats.application_raw",
    "ats.answer",
    "ats.media",
    "ats.attachment",
    "ops.client_state",
    "ops.cycle",
    "ops.media_removal",
    "ops.quarantine",
)
CYCLE = ("profiles", "media", "confirm")
SLACK = 0.2  # seconds until a tap on a busy machine records a request

# A deferred trigger runs at the commit, and each of its statements sees what others have committed by then.
_WITNESS = """
CREATE SCHEMA proof;
CREATE TABLE proof.tenure (client_id text, fence int, who int, at timestamptz, before int, had_run_out boolean,
                           PRIMARY KEY (client_id, fence));
CREATE TABLE proof.written (client_id text, who int, xid xid8, PRIMARY KEY (client_id, xid));
CREATE TABLE proof.stale (client_id text, who int, holder int, relation text, at timestamptz);

CREATE FUNCTION proof.who() RETURNS int LANGUAGE sql AS $$ SELECT current_setting('proof.who', true)::int $$;

CREATE FUNCTION proof.holder(client text) RETURNS int LANGUAGE sql VOLATILE AS $$
    SELECT who FROM proof.tenure WHERE client_id = client ORDER BY fence DESC LIMIT 1 $$;

CREATE FUNCTION proof.note_tenure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.fence = OLD.fence AND NEW.holder = OLD.holder THEN RETURN NULL; END IF;
    IF TG_OP = 'UPDATE' AND NEW.fence <= OLD.fence THEN RAISE 'the fence does not rise'; END IF;
    INSERT INTO proof.tenure SELECT NEW.client_id, NEW.fence, proof.who(), clock_timestamp(),
        proof.holder(NEW.client_id), TG_OP = 'INSERT' OR OLD.expires_at < clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER note_tenure AFTER INSERT OR UPDATE ON ops.lease FOR EACH ROW EXECUTE FUNCTION proof.note_tenure();

CREATE FUNCTION proof.note_commit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE client text := coalesce(NEW.client_id, OLD.client_id);
BEGIN
    INSERT INTO proof.written VALUES (client, proof.who(), pg_current_xact_id()) ON CONFLICT DO NOTHING;
    IF proof.holder(client) IS DISTINCT FROM proof.who() THEN
        INSERT INTO proof.stale VALUES (client, proof.who(), proof.holder(client), TG_RELID::regclass, clock_timestamp());
    END IF;
    RETURN NULL;
END $$;
"""
_EACH = """
CREATE CONSTRAINT TRIGGER note_commit AFTER INSERT OR UPDATE OR DELETE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION proof.note_commit();
"""


@dataclass(frozen=True)
class Request:
    """A replica's request to PitchYou for a client, and its time."""

    at: float
    who: int
    client: str
    what: str


@dataclass(frozen=True)
class Tenure:
    """A lease from its start to the start of the next; `had_run_out` says whether the previous lease had expired or was released."""

    client: str
    fence: int
    who: int
    since: float
    until: float
    before: int | None
    had_run_out: bool

    def covers(self, moment: float) -> bool:
        """Says whether the lease was in force at this time."""
        return self.since <= moment < self.until + SLACK


def install(here: Site) -> None:
    """Makes the database record each lease and each commit from now on."""
    here.execute(_WITNESS + "".join(_EACH.format(table=table) for table in WRITTEN))


def url_of(here: Site, who: int) -> str:
    """Returns the database's URL for replica number `who`, which identifies each of its connections."""
    return f"{here.database_url}?options=-c%20proof.who%3D{who}"


def require_no_stale_write(here: Site) -> None:
    """Checks that only the holder of a client's lease has committed anything for the client."""
    stale = here.rows(
        "SELECT client_id, who, holder, relation, count(*) FROM proof.stale GROUP BY 1, 2, 3, 4"
    )
    assert not stale, f"written by one while another held the lease: {stale}"


def _tenures(here: Site) -> Iterator[Tenure]:
    """Returns all leases in the order of their fences, client by client."""
    rows = here.rows(
        "SELECT client_id, fence, who, extract(epoch FROM at)::float8, "
        "coalesce(lead(extract(epoch FROM at)::float8) OVER of_client, 'infinity'), before, had_run_out "
        "FROM proof.tenure WINDOW of_client AS (PARTITION BY client_id ORDER BY fence) ORDER BY 1, 2"
    )
    return (Tenure(*row) for row in rows)


def require_orderly(here: Site, killed: Mapping[int, float], requests: Sequence[Request]) -> None:
    """Checks that no lease was stolen, that no two cycles of a client overlap, and that no cycle ran on without its lease."""
    found = list(_tenures(here))
    _require_no_theft(found, killed)
    _require_cycles_apart(here)
    _require_no_cycle_without_a_lease(found, requests)


def _require_no_theft(found: list[Tenure], killed: Mapping[int, float]) -> None:
    """Checks that unexpired leases were only taken from killed processes, and that fences have no gaps."""
    for lease in found:
        dead = lease.before is not None and killed.get(lease.before, lease.until) <= lease.since
        assert lease.had_run_out or dead, f"taken from a living process before it ran out: {lease}"
    for one, other in pairwise(found):
        assert other.fence == (one.fence + 1 if one.client == other.client else 1), f"{one}, {other}"


def _require_cycles_apart(here: Site) -> None:
    overlaps = here.rows(
        "SELECT * FROM (SELECT client_id, cycle_id, outcome, finished_at, "
        "lead(started_at) OVER (PARTITION BY client_id ORDER BY cycle_id) AS next FROM ops.cycle) c "
        "WHERE next < finished_at"
    )
    assert not overlaps, f"cycles of one client overlap: {overlaps}"


def _require_no_cycle_without_a_lease(found: list[Tenure], requests: Sequence[Request]) -> None:
    """Checks that only the holder of the lease requested lists and sent confirms; a former holder at most once, if it was frozen right before."""
    outside: Counter[tuple[int, str, int, str]] = Counter()
    for request in requests:
        own = [each for each in found if (each.client, each.who) == (request.client, request.who)]
        before = [each.fence for each in own if each.since <= request.at]
        if request.what in ("profiles", "confirm") and not any(each.covers(request.at) for each in own):
            outside[request.who, request.client, max(before, default=0), request.what] += 1
    assert not [key for key in outside if not key[2]], f"a cycle without any lease: {outside}"
    assert max(outside.values(), default=0) <= 1, f"cycles after the lease was lost: {outside}"
