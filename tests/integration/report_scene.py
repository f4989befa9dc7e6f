"""Sets up a database with a ledger of applications, and a login that may read reports and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from syncd.deadline import Deadline
from syncd.embedded import EmbeddedPostgres
from syncd.store.database import Database
from syncd.store.report_figures import MonthReport
from syncd.store.report_month import month_report
from syncd.store.roles import ROLES_SQL
from tests.integration.report_figures import Ledger
from tests.integration.report_ledger import entries, refresh, store
from tests.starter import CLEAN, run

FORMULA = "=HYPERLINK(1)"
SETUP = f"""
    UPDATE ats.client SET label = 'Klinik; am "Park"' WHERE client_id = 'acme';
    INSERT INTO ats.client (client_id, timezone) VALUES ('empty', 'Europe/Berlin');
    INSERT INTO ops.client_state (client_id, is_running, trigger, version, last_started_at, heartbeat_at,
        last_finished_at, last_outcome, last_good_at, cycles_by_hour)
    SELECT client_id, false, 'command', '1', now(), now(), now(), 'ok', now(), ARRAY[1] FROM ats.client;
    UPDATE ats.job SET origin = 'import', title = '{FORMULA}' WHERE external_reference_id = '00123';
    INSERT INTO ats.job (client_id, external_reference_id, title, origin, opened_at)
    VALUES ('acme', 'idle', 'Idle', 'import', '2026-01-01'), ('acme', 'later', 'Later', 'import', '2026-11-02');
    INSERT INTO ats.apply_link (client_id, url, job, utm_source, created_at)
    VALUES ('acme', 'https://x.example/1', 'idle', 'plakat', '2026-02-01'),
           ('acme', 'https://x.example/2', 'idle', 'later', '2026-11-02');
    """


@dataclass(frozen=True)
class Scene:
    """A database with a ledger of four clients, and the URL with which a reader of reports logs in."""

    ledger: Ledger
    admin: psycopg.Connection
    url: str
    folder: Path
    database: Database

    def read(self, client_id: str, month: date) -> MonthReport:
        return self.database.transact(lambda c: month_report(c, client_id, month), Deadline(60))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `syncd report month` as somebody who has nothing but a login for the reports."""
        return run(
            ["report", "month", *arguments], env=CLEAN | {"SYNCD_DATABASE__URL": self.url}, cwd=self.folder
        )

    def printed(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout


@contextmanager
def scene(database_url: str, server: EmbeddedPostgres, folder: Path, count: int) -> Iterator[Scene]:
    invented = entries(count, seed=11)
    with Database(database_url) as database:
        store(database, invented)
        refresh(database)
    url = database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(SETUP.encode())
        admin.execute(ROLES_SQL.encode())
        admin.execute("CREATE ROLE anna LOGIN PASSWORD 'x' IN ROLE syncd_reader")
        admin.execute("CREATE ROLE ben LOGIN PASSWORD 'x'")
        admin.execute("GRANT USAGE ON SCHEMA report TO ben")
        admin.execute("GRANT SELECT ON report.weekly, report.contract TO ben")
        try:
            mine = database_url.replace(f"postgres:{server.password}@", "anna:x@")
            with Database(mine, snapshot=True) as database:
                yield Scene(Ledger(invented), admin, mine, folder, database)
        finally:
            for name in ("anna", "ben", "syncd_owner", "syncd_writer", "syncd_reader", "syncd_eraser"):
                admin.execute(f"DROP OWNED BY {name}".encode())
                admin.execute(f"DROP ROLE {name}".encode())
