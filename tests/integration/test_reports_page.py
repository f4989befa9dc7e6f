"""docs/reports.md: its queries answer something, word for word, and its grants give what they say and no more."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import SandboxConfig
from tests.integration.test_reports_answers import reader
from tests.system.processes import Site, site

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text()
BLOCKS = re.findall(r"^```sql\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
QUERIES = [block for block in BLOCKS if block.startswith("SELECT")]
ANNA, BEN = (block for block in BLOCKS if block.startswith("CREATE ROLE"))


def recruiting(here: Site) -> None:
    """A month of work: jobs, one of them without applications; apply links; applications."""
    jobs = here.folder / "jobs.csv"
    jobs.write_text("reference;title;opened\nPF-2026-014;Pflegefachkraft;2026-10-15\nLG-1;Lager;2026-10-15\n")
    assert here.run("jobs", "import", str(jobs)).returncode == 0
    assert here.run("apply-link", "--job", "LG-1", "--utm-source", "plakat").returncode == 0
    assert here.run("sync").returncode == 0
    days = here.rows(
        "SELECT profile_id, (applied_at AT TIME ZONE 'Europe/Berlin')::date::text FROM ats.application LIMIT 9"
    )
    outcomes = here.folder / "outcomes.csv"
    outcomes.write_text("profile_id,stage,date\n" + "".join(f'"{key}",hired,{day}\n' for key, day in days))
    assert here.run("outcomes", "import", str(outcomes)).returncode == 0
    sources = here.rows("SELECT DISTINCT month::text, source FROM report.source_performance")
    costs = here.folder / "costs.csv"
    costs.write_text(
        "month,source,amount\n" + "".join(f"{month},{source},99.50\n" for month, source in sources)
    )
    assert here.run("costs", "import", str(costs)).returncode == 0
    assert here.run("sync").returncode == 0


def test_each_query_of_the_page_answers_something_to_a_reader(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=150, media_per_profile=0.5)
    with site(database_url, tmp_path, config) as here, reader(database_url, shared_postgres) as session:
        recruiting(here)
        found = {query: session.execute(query.encode()).fetchall() for query in QUERIES}
        assert [query for query, rows in found.items() if not rows] == []
        assert len(QUERIES) >= 13
        for digest in re.findall("[0-9a-f]{64}", COMMANDS):
            here.execute(
                f"INSERT INTO report_data.placeholder_cv (client_id, sha256) VALUES ('acme', '\\x{digest}')"
            )
        for command in COMMANDS.splitlines():
            assert here.run(*shlex.split(command, comments=True)[1:]).returncode == 0, command
        assert max(len(" ".join(query.split())) for query in QUERIES) <= 220


def test_readers_get_what_the_page_grants_and_no_more(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = database_url.replace("+psycopg", "")
    with reader(database_url, shared_postgres), psycopg.connect(url, autocommit=True) as admin:
        admin.execute(ANNA.encode())
        admin.execute(BEN.encode())
        try:
            for name in ("anna", "ben"):
                admin.execute(f"ALTER ROLE {name} PASSWORD 'x'".encode())
            logins = {
                name: psycopg.connect(
                    url.replace(f"postgres:{shared_postgres.password}@", f"{name}:x@"), autocommit=True
                )
                for name in ("anna", "ben")
            }
            with logins["anna"] as anna, logins["ben"] as ben:
                anna.execute("SELECT * FROM report.application")
                ben.execute("SELECT * FROM report.weekly")
                assert anna.execute("SHOW default_transaction_read_only").fetchall() == [("on",)]
                for session, refused in (
                    (anna, "SELECT * FROM ats.application"),
                    (anna, "SELECT * FROM report_data.application"),
                    (anna, "SELECT * FROM ops.secret"),
                    (ben, "SELECT * FROM report.application"),
                    (ben, "SELECT * FROM ats.application"),
                    (ben, "CREATE TEMPORARY TABLE x (y int)"),
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        session.execute(refused.encode())
        finally:
            for name in ("anna", "ben"):
                admin.execute(f"DROP OWNED BY {name}".encode())
                admin.execute(f"DROP ROLE {name}".encode())
