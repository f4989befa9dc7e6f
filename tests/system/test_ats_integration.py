"""docs/ats-integration.md, from top to bottom: every command, every query, every line of Python, in its order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.sandbox import SandboxConfig
from tests.starter import CLEAN
from tests.system.processes import Site, site

DOCUMENT = Path(__file__).parents[2] / "docs" / "ats-integration.md"
BLOCK = re.compile(r"^```(sh|sql|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REFERENCE = "Ä/ö? #1%+ 🚲"
# There need be no psql on this machine; the document's only call of it is answered from here.
PSQL = """#!/bin/sh
exec '{python}' -c '
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    print(connection.execute(sys.argv[3]).fetchone()[0])
' "$@"
"""


def shell(script: str, here: Site, environ: dict[str, str]) -> str:
    """Run a block of the document, and keep the variables it has set."""
    kept = here.folder / "kept"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"set -a\n{script}\nenv -0 > '{kept}'"],
        env=environ,
        cwd=here.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, script + result.stdout + result.stderr
    for line in filter(None, kept.read_text().split("\0")):
        name, _, value = line.partition("=")
        environ[name] = value
    return result.stdout


@pytest.mark.long
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_the_three_scenarios_hold_from_top_to_bottom(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=3)) as here:
        (tmp_path / "psql").write_text(PSQL.format(python=sys.executable))
        (tmp_path / "psql").chmod(0o700)
        path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = (
            CLEAN | dict(here.environ) | {"PATH": path, "DATABASE": database_url.replace("+psycopg", "")}
        )
        printed: list[tuple[str, str]] = []
        python = ""
        for language, block in BLOCK.findall(DOCUMENT.read_text().replace(":8765", here.sandbox.url[16:])):
            if language == "sh":
                printed.append((block, shell(block, here, environ)))
            elif language == "sql":
                assert here.rows(block), block
            else:
                python += block  # one program; all of it runs again with each part, since tokens are cheap
                result = subprocess.run(
                    [sys.executable, "-W", "error", "-c", python + "\napi.close()"],
                    env=environ,
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert result.returncode == 0, result.stderr
        everything = "".join(output for _, output in printed)
        link = here.value(
            "SELECT report.apply_link('acme', %s, 'fahrer', 'Fahrradkurier (m/w/d)', 'karriereseite', "
            "apply_url => 'http://{client_id}.localhost' || %s)",
            REFERENCE,
            here.sandbox.url[16:],
        )
        assert f"\n{link}\n" in everything
        assert (
            here.value("SELECT count(*) FROM ats.application WHERE external_reference_id = %s", REFERENCE)
            == 1
        )
        assert here.rows("SELECT recruiter_name FROM ats.chat_request") == [("Frau Jäger",)] * 3
        for name in (
            "button.html",
            "button-en.html",
            "button.css",
            "code.svg",
            "sheet.pdf",
            "sheet.html",
            "links.csv",
        ):
            assert (tmp_path / name).stat().st_size > 100
        here.assert_complete()
