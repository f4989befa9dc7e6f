"""Sets up everything that a test of one client needs: a sandbox, a migrated database, a media root, and cycles."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import text

from syncd.deadline import Deadline
from syncd.media.vault import Vault
from syncd.pitchyou import PitchYou
from syncd.sandbox import Sandbox, SandboxConfig
from syncd.store.database import Database
from syncd.sync.client_cycle import Client, Ended, Outsides, run_once
from syncd.sync.lease_keeper import LeaseKeeper
from tests.plans import plan_for

Row = dict[str, Any]


@dataclass
class Scene:
    """The environment of a test. `cycle()` runs a real cycle; `rows(sql)` queries the database."""

    sandbox: Sandbox
    client: Client
    outsides: Outsides
    media_root: Path
    stop: threading.Event = field(default_factory=threading.Event)

    def cycle(self, **plan: Any) -> Ended:
        """Runs a cycle; `plan` overrides fields of the client's plan for this cycle."""
        client = replace(self.client, plan=replace(self.client.plan, **plan))
        return run_once(client, self.outsides, trigger="command", stop=self.stop)

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """Returns the rows of a query as dictionaries."""
        return self.outsides.database.transact(
            lambda c: [dict(row._mapping) for row in c.execute(text(sql), parameters)], Deadline(30)
        )

    def value(self, sql: str, **parameters: Any) -> Any:
        """Returns the only value of the only row of a query."""
        (row,) = self.rows(sql, **parameters)
        (value,) = row.values()
        return value

    def execute(self, sql: str, **parameters: Any) -> None:
        """Changes the database without syncd."""
        self.outsides.database.transact(lambda c: c.execute(text(sql), parameters), Deadline(30))

    def files(self) -> set[str]:
        """Returns all files below the media root, including temporary ones, except for the marks."""
        paths = (path.relative_to(self.media_root) for path in self.media_root.rglob("*") if path.is_file())
        return {path.as_posix() for path in paths if path.parts[0] != ".syncd-store"}

    def assert_complete(self) -> None:
        """Checks that everything the sandbox served is stored and confirmed with its type, and that nothing else is on disk."""
        findings = [*self.sandbox.findings, *self.sandbox.audit().findings]
        assert findings == [], findings


@contextmanager
def scene(
    database_url: str,
    media_root: Path,
    *,
    config: SandboxConfig | None = None,
    max_bytes: int = 200_000_000,
    lease_ttl: float = 60.0,
    api: dict[str, Any] | None = None,
    **plan: Any,
) -> Iterator[Scene]:
    """Sets up a scene, whose sandbox audits every confirm against this database and media root.

    Args:
        config: the sandbox's options.
        api: arguments of `PitchYou` in addition to the credentials and the address.
        plan: fields of `Plan`.
    """
    audited = replace(
        config or SandboxConfig(profiles=20),
        database_url=database_url.replace("+psycopg", ""),
        media_root=media_root,
    )
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(audited))
        database = stack.enter_context(Database(database_url))
        keeper = stack.enter_context(LeaseKeeper(database, ttl=lease_ttl))
        connection = stack.enter_context(
            PitchYou(audited.client_id, audited.client_secret, base_url=sandbox.url, **(api or {}))
        )
        yield Scene(
            sandbox,
            Client(plan_for(audited.client_id, **plan), connection),
            Outsides(database, Vault(media_root, max_bytes=max_bytes), keeper),
            media_root,
        )
