"""dbt's and the data contract's own tests are green for a reader of the reports, and red once a column has another name.

`make bi` installs both programs into an environment of their own, since they need other versions than syncd.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from docs.report.make import FOLDER, fill_for_page
from syncd.embedded import EmbeddedPostgres
from tests.integration.test_reports_answers import reader

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bi" / "bin"
pytestmark = pytest.mark.bi


class Tools:
    """Runs dbt and datacontract as `syncd_reader`, with what they write below `folder`."""

    def __init__(self, database_url: str, folder: Path) -> None:
        where = urlsplit(database_url)
        self.folder = folder
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SYNCD_REPORT_HOST": "127.0.0.1",
            "SYNCD_REPORT_PORT": str(where.port),
            "SYNCD_REPORT_DATABASE": where.path[1:],
            "SYNCD_REPORT_USER": "syncd_reader",
            "SYNCD_REPORT_PASSWORD": "reader",
            "SYNCD_REPORT_SSLMODE": "disable",
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_PROJECT_DIR": str(FOLDER / "dbt"),
            "DBT_PROFILES_DIR": str(FOLDER / "dbt"),
            "DBT_USE_COLORS": "false",
            "DATACONTRACT_POSTGRES_USERNAME": "syncd_reader",
            "DATACONTRACT_POSTGRES_PASSWORD": "reader",
        }
        text = (FOLDER / "contract.odcs.yaml").read_text(encoding="utf-8")
        for ours, theirs in (
            ("host: db.example", "host: 127.0.0.1"),
            ("port: 5432", f"port: {where.port}"),
            ("database: ats", f"database: {where.path[1:]}"),
        ):
            assert text.count(ours) == 1
            text = text.replace(ours, theirs)
        self.contract = folder / "contract.odcs.yaml"
        self.contract.write_text(text, encoding="utf-8")

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        assert (BIN / program).exists(), "run: make bi"
        return subprocess.run(
            [BIN / program, *arguments],
            env=self._environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )


def test_both_are_green_for_a_reader_and_red_once_a_column_has_another_name(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    fill_for_page(database_url)
    with reader(database_url, shared_postgres):
        tools = Tools(database_url, tmp_path)
        built = tools.run("dbt", "build")
        assert built.returncode == 0, built.stdout
        assert re.search(r"Done\. PASS=\d{3} WARN=0 ERROR=0 SKIP=0", built.stdout), built.stdout
        tested = tools.run("datacontract", "test", "contract.odcs.yaml")
        assert tested.returncode == 0, tested.stdout
        assert re.search(r"is valid\. Ran \d{3} checks", tested.stdout), tested.stdout
        with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute("ALTER VIEW report.daily RENAME COLUMN applications TO n")
            try:
                built = tools.run("dbt", "build", "--select", "source:report.daily")
                assert built.returncode == 1, built.stdout
                assert "ERROR source_has_columns_report_daily" in built.stdout
                tested = tools.run("datacontract", "test", "contract.odcs.yaml")
                assert tested.returncode == 1, tested.stdout
                assert "daily.applications" in tested.stdout
            finally:
                admin.execute("ALTER VIEW report.daily RENAME COLUMN n TO applications")
    assert list((FOLDER / "dbt").glob("**/.user.yml")) == []  # dbt's id for telemetry
