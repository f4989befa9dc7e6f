"""syncd as a process of its own: configured by environment variables alone, watched, signalled, killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any, TypeVar
from urllib.request import urlopen

import psycopg
from psycopg.sql import SQL, Identifier

from syncd.sandbox import Sandbox, SandboxConfig
from tests.starter import CLEAN, Process, run, start

T = TypeVar("T")
SYNCD = (sys.executable, "-m", "syncd")
MANY = 1000  # times that a fault strikes, for `struck` to see whether it has
_POLL = 0.02  # seconds


def eventually(condition: Callable[[], T | None], what: str, timeout: float = 60.0) -> T:
    """Poll until `condition` gives something true, and return that; fail with `what` after `timeout` seconds."""
    ends_at = time.monotonic() + timeout
    while True:
        began = time.monotonic()
        if found := condition():
            return found
        assert began < ends_at, f"not within {timeout} s: {what}"
        time.sleep(max(_POLL, 3 * (time.monotonic() - began)))  # looking must not slow it down


def stands_still(pid: int) -> bool:
    """Whether each thread of a process is stopped, or has ended."""
    states = []
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # it has just ended
            states.append(thread.read_text().rpartition(")")[2].split()[0])
    return all(state in "TZX" for state in states)


@dataclass
class Running:
    """A started syncd. Its output goes to files, so that a full pipe can never hold it up."""

    process: Process
    out_path: Path
    log_path: Path

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def events(self, name: str | None = None, **fields: object) -> list[dict[str, Any]]:
        """What it has logged as JSON so far: all events, or those of a name and with these fields."""
        lines = self.log_path.read_text().split("\n")[:-1]
        found: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [
            event
            for event in found
            if name in (None, event["event"])
            and all(event.get(key) == value for key, value in fields.items())
        ]

    def wait_for(
        self, name: str, count: int = 1, timeout: float = 60.0, **fields: object
    ) -> list[dict[str, Any]]:
        """Wait until it has logged `count` events of this name; fail at once if it has ended before."""

        def logged() -> list[dict[str, Any]] | None:
            ended = self.process.poll() is not None
            found = self.events(name, **fields)
            assert len(found) >= count or not ended, f"it ended before {name}: {self.log_path.read_text()}"
            return found if len(found) >= count else None

        return eventually(logged, f"{count} times {name} in {self.log_path}", timeout)

    def send(self, number: Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout)

    def stop(self, number: Signals = SIGTERM, timeout: float = 60.0) -> int:
        """Ask it to end, and return the exit code."""
        self.send(number)
        return self.wait(timeout)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)


@dataclass
class Site:
    """One installation: a sandbox that audits each confirm, a database, a media root, and the variables that join them."""

    sandbox: Sandbox
    database_url: str
    folder: Path
    media_root: Path
    environ: Mapping[str, str]
    _started: int = 0

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. `environ` adds variables (without `SYNCD_`) to those of the site."""
        return run(arguments, env=self._environ(environ), cwd=self.folder)

    @contextmanager
    def start(self, *arguments: str, **environ: str) -> Iterator[Running]:
        """Start a command, and kill it at the end if it is still there. A daemon also logs the cycles that do nothing,
        and has no web server unless `WEB__BIND` says otherwise: many run beside each other.
        """
        if arguments == ("run",):
            environ = {"LOG__LEVEL": "debug", "WEB__BIND": "", **environ}
        self._started += 1
        out_path, log_path = (self.folder / f"{self._started}.{kind}" for kind in ("out", "log"))
        with out_path.open("wb") as out, log_path.open("wb") as log:
            process = start(arguments, env=self._environ(environ), cwd=self.folder, stdout=out, stderr=log)
        try:
            yield Running(process, out_path, log_path)
        finally:
            process.kill()
            process.wait(10)

    def _environ(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**CLEAN, **self.environ, **{f"SYNCD_{key}": value for key, value in more.items()}}

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query, on a connection of its own."""
        with psycopg.connect(self.database_url.replace("+psycopg", "")) as connection:
            return connection.execute(sql.encode(), values or None).fetchall()

    def value(self, sql: str, *values: object) -> Any:
        """The only value of the only row of a query."""
        ((value,),) = self.rows(sql, *values)
        return value

    def execute(self, sql: str, *values: object) -> None:
        """Change the database behind syncd's back, also one that is read-only for others."""
        with psycopg.connect(
            self.database_url.replace("+psycopg", ""),
            autocommit=True,
            options="-c default_transaction_read_only=off",
        ) as connection:
            connection.execute(sql.encode(), values or None)

    def rows_as_they_are(self) -> dict[str, str]:
        """A digest of each table of syncd that no write leaves as it was, not even one that changes nothing."""
        digests = {}
        with psycopg.connect(self.database_url.replace("+psycopg", "")) as connection:
            tables = connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_schema IN ('ats', 'ops') ORDER BY 1, 2"
            ).fetchall()
            for name in tables:
                digest = SQL(
                    "SELECT md5(coalesce(string_agg(t.xmin::text || t::text, ',' ORDER BY t::text), '')) FROM {} t"
                ).format(Identifier(*name))
                digests[".".join(name)] = str(connection.execute(digest).fetchall()[0][0])
        return digests

    def files_as_they_are(self) -> dict[str, tuple[int, int]]:
        """Size and time of change of everything below the media root, folders and temporary files too."""
        found = {path: path.lstat() for path in self.media_root.rglob("*")}
        return {
            path.relative_to(self.media_root).as_posix(): (state.st_size, state.st_mtime_ns)
            for path, state in found.items()
        }

    def outstanding(self) -> int:
        """How many applications are not confirmed yet, and how many were not even landed."""
        clients = [tenant.client_id for tenant in self.sandbox.config.all_tenants]
        sandbox = sum(1 for client in clients for _ in self.sandbox.expected(client))
        landed, unconfirmed = self.rows(
            "SELECT count(*), count(*) FILTER (WHERE revision > confirmed_revision) FROM ats.application"
        )[0]
        return int(sandbox - landed + unconfirmed)

    def assert_complete(self) -> None:
        """Everything served is stored and confirmed, nothing was confirmed too early, nothing else is on disk."""
        findings = [*self.sandbox.findings, *self.sandbox.audit().findings]
        assert not findings, findings[:5]


@contextmanager
def site(
    database_url: str,
    folder: Path,
    config: SandboxConfig | None = None,
    *,
    schedule: str = "every 1s",
    media_root: str = "",
    **environ: str,
) -> Iterator[Site]:
    """Set up a migrated database with all clients of the sandbox; `environ` adds variables, without their `SYNCD_`."""
    root = Path(media_root or folder / "media")
    audited = replace(
        config or SandboxConfig(profiles=20),
        database_url=database_url.replace("+psycopg", ""),
        media_root=root,
    )
    with Sandbox(audited) as sandbox:
        variables = {
            "DATABASE__URL": database_url,
            "MEDIA__ROOT": str(root),
            "WEB__BIND": "",
            **_clients(sandbox, schedule),
            **environ,
        }
        variables = {f"SYNCD_{key}": value for key, value in variables.items()}
        yield Site(sandbox, database_url, folder, root, variables)


def _clients(sandbox: Sandbox, schedule: str) -> dict[str, str]:
    """The variables of the sandbox's clients: the short ones for one client, numbered ones for several."""
    tenants = sandbox.config.all_tenants
    return {
        (f"CLIENTS__{number}__{key}" if len(tenants) > 1 else key): value
        for number, tenant in enumerate(tenants)
        for key, value in {
            "CLIENT_ID": tenant.client_id,
            "CLIENT_SECRET": tenant.client_secret,
            "BASE_URL": sandbox.url,
            "SCHEDULE": schedule,
        }.items()
    }


def begun(here: Site) -> int:
    """How many cycles have begun in the last 24 hours."""
    return int(here.value("SELECT coalesce(sum(n), 0) FROM ops.client_state, unnest(cycles_by_hour) AS n"))


def struck(here: Site) -> bool:
    """Whether one of the faults in force has held the daemon up by now."""
    with urlopen(f"{here.sandbox.url}/_sandbox/faults") as answer:
        return any(fault["times"] < MANY for fault in json.load(answer))
