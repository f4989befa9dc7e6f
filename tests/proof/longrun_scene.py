"""Sets up a machine with a simulated clock for the long run: Postgres, PitchYou and the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg

from syncd.embedded import EmbeddedPostgres, start_postgres
from syncd.sandbox import SandboxConfig, Tenant
from syncd.store.migrate import upgrade
from tests.database import SERVER_SETTINGS
from tests.proof.simulated_clock import SimulatedClock, let_it_notice
from tests.proof.world import address
from tests.system.processes import Running, Site, site

TOKEN_LIFETIME = 10_800  # seconds
CLIENTS = ("hourly", "nightly", "often")
EVERY = timedelta(minutes=90)
SCHEDULES = ("0 * * * *", "30 2 * * *", "every 90m")  # in the order of `CLIENTS`
A_MINUTE = 60  # seconds
# One replica needs no renewal every 20 seconds. Missing files are given up after a day, as in production.
ENVIRON = {"SYNC__LEASE_TTL": "1h"} | {
    f"CLIENTS__{number}__SCHEDULE": schedule for number, schedule in enumerate(SCHEDULES)
}

# syncd itself keeps no row of a cycle that did nothing.
_RECORD = """
CREATE SCHEMA proof;
CREATE TABLE proof.cycle (number bigint GENERATED ALWAYS AS IDENTITY, client_id text, started_at timestamptz, outcome text,
    UNIQUE (client_id, started_at));
CREATE FUNCTION proof.record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' AND OLD.is_running THEN
        UPDATE proof.cycle SET outcome = CASE WHEN NEW.is_running THEN 'aborted' ELSE NEW.last_outcome END
        WHERE client_id = OLD.client_id AND started_at = OLD.last_started_at;
    END IF;
    IF NEW.is_running THEN
        INSERT INTO proof.cycle (client_id, started_at, outcome) VALUES (NEW.client_id, NEW.last_started_at, 'running') ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER record AFTER INSERT OR UPDATE OF is_running ON ops.client_state
FOR EACH ROW EXECUTE FUNCTION proof.record();
"""


@dataclass
class Scene:
    """The daemon, its environment, and the measurements."""

    clock: SimulatedClock
    here: Site
    postgres: EmbeddedPostgres
    daemon: Running
    leap: int = A_MINUTE
    asked_for_tokens: dict[str, list[datetime]] = field(
        default_factory=lambda: {name: [] for name in CLIENTS}
    )
    sizes: list[tuple[int, int, int]] = field(default_factory=list)
    _token_requests: int = 0

    def pass_minutes(self, count: int) -> None:
        """Lets this number of full minutes pass, and waits each time until the daemon has done what is due.

        All waits of the daemon go by the simulated clock. So nothing is late by more than a leap, and runs that are due
        at a full minute are not late at all.
        """
        for _ in range(count * 60 // self.leap):
            self.clock.leap(self.leap - self.clock.now().timestamp() % self.leap)
            let_it_notice(self.daemon.pid)
            requests = self.here.sandbox.ledger.token_requests
            for request in requests[self._token_requests :]:
                self.asked_for_tokens[str(request.client)].append(self.clock.now())
            self._token_requests = len(requests)

    def measure(self) -> None:
        """Records the daemon's memory, open files and threads."""
        process = psutil.Process(self.daemon.pid)
        self.sizes.append((process.memory_info().rss, process.num_fds(), process.num_threads()))

    def starts(self, client: str) -> list[datetime]:
        """Returns the start times of the client's cycles by the database, in order."""
        rows = self.here.rows(
            "SELECT started_at FROM proof.cycle WHERE client_id = %s ORDER BY number", client
        )
        return [started_at for (started_at,) in rows]

    def outcomes(self) -> list[str]:
        """Returns the outcomes of the cycles, in the order of their start."""
        return [outcome for (outcome,) in self.here.rows("SELECT outcome FROM proof.cycle ORDER BY number")]


@contextmanager
def scene(start: datetime, *, gone: float) -> Iterator[Scene]:
    """Sets up a machine whose clock shows `start`, in Berlin, with a daemon that has run each client's first cycle.

    Args:
        gone: the share of files that PitchYou never has.
    """
    others = tuple(Tenant(name, f"secret-{name}", profiles=2) for name in CLIENTS[1:])
    config = SandboxConfig(
        profiles=2,
        client_id=CLIENTS[0],
        tenants=others,
        token_lifetime=TOKEN_LIFETIME,
        media_late=0.1,
        media_gone=gone,
        media_size=2000,
    )
    with TemporaryDirectory(prefix="syncd-longrun-") as name:
        clock = SimulatedClock(Path(name), start)
        with clock.everywhere(), start_postgres(settings=SERVER_SETTINGS) as postgres:
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute(b"CREATE DATABASE longrun")
            url = address("longrun", postgres)
            upgrade(url)
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(_RECORD.encode())
            with site(url, Path(name), config, **ENVIRON) as here:
                here = replace(here, environ={**here.environ, **clock.environ, "TZ": "Europe/Berlin"})
                with here.start("run") as daemon:
                    daemon.wait_for("cycle_finished", len(CLIENTS))
                    daemon.wait_for("templates_synced", len(CLIENTS))
                    let_it_notice(daemon.pid)
                    yield Scene(clock, here, postgres, daemon)
