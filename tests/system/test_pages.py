"""Each page runs as one shell session from top to bottom, as its reader types it, with nothing set but what it sets."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from tests.pages import (
    NOT_TYPED,
    ROOT,
    all_blocks,
    blocks,
    checkout,
    first_line,
    session,
    stop_postgres,
    type_it,
)

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# integration/test_reports_page.py types reports.md.
TYPED = {
    "backup.md",
    "README.md",
    "ats-integration.md",
    "python.md",
    "sandbox.md",
    "schema.md",
    "operating.md",
    "reports.md",
}
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")


def test_every_block_with_commands_is_typed_or_is_in_the_list_with_a_reason() -> None:
    found = {
        (page.name, first_line(block))
        for page in PAGES
        for language, block in all_blocks(page)
        if language in ("sh", "sql", "python")
        and (page.name not in TYPED or (page.name, first_line(block)) in NOT_TYPED)
    }
    assert found == set(NOT_TYPED)
    commands = (
        r"^(?:sudo |.*/bin/)?(?:syncd|make|pip|python3?|psql|curl|docker|apt-get|systemctl|useradd|install) "
    )
    unmarked = [
        block
        for page in PAGES
        for language, block in all_blocks(page)
        if not language and re.search(commands, block, re.M)
    ]
    assert unmarked == []


@pytest.mark.long
def test_readme(tmp_path: Path) -> None:
    again = 'before=$SYNCD_DATABASE__URL; eval "$(python -m syncd.embedded trial)"; test "$before" = "$SYNCD_DATABASE__URL"\n'
    output = type_it(session(ROOT / "README.md") + again, checkout(tmp_path / "syncd"), forks=True)
    for line in (
        "The schema is at revision ",
        "ok    PitchYou issues a token to client 'acme'",
        "acme: ok - 200 listed: 200 new, 0 changed, 0 unchanged",
        "  unconfirmed      0",
        '"event": "cycle_finished"',
        '"event": "daemon_stopped"',
        "(5 rows)",
        "/go/EL%2F77%2FS%C3%BCd?jkey=handwerk",
    ):
        assert line in output, output
    assert "FAIL" not in output


@pytest.mark.thorough
@needs_curl
@pytest.mark.long
def test_ats_integration(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "syncd")
    output = type_it(session(ROOT / "docs" / "ats-integration.md", python="ats.py"), folder, forks=True)
    # The applicant came with a plus sign, is in the list of the ATS, and in the list of chats, once for each.
    assert re.search(r"Fahrradkurier \(m/w/d\) \| Ayşe +\| Groß +\| \+4915224711 \| karriereseite", output), (
        output
    )
    assert output.count("| Frau Jäger ") == 3
    assert "characters that only Frau Jäger should see" in output
    [from_sql] = re.findall(
        r"^ (https://acme.pitchyou.de/go/\S+utm_source=karriereseite)$", output, re.MULTILINE
    )
    assert f"\n{from_sql}\n" in output  # from Python
    assert re.search(rf"^http://acme.localhost:\d+{re.escape(from_sql[24:])}$", output, re.MULTILINE)
    for name in (
        "button.html",
        "button-en.html",
        "button.css",
        "code.svg",
        "sheet.pdf",
        "sheet.html",
        "links.csv",
    ):
        assert (folder / name).stat().st_size > 100


@pytest.mark.thorough
@needs_curl
@pytest.mark.long
def test_backup(tmp_path: Path) -> None:
    """Each restore is noticed or harmless, and no file of production is touched."""
    folder = checkout(tmp_path / "syncd")
    try:
        output = type_it(session(ROOT / "docs" / "backup.md"), folder, forks=True)
    finally:
        for name in ("recovered", "replica"):
            stop_postgres(folder / name)
    assert output.count("exit code 4") == 4, output
    assert output.count("the database is older than the media root") >= 3, output
    assert output.count("the media root is older than the database") >= 1, output
    assert output.count("the media root belongs to another store") >= 1, output
    assert output.count("FAIL") == 1, output
    assert "acme: 5 faults, 5 repaired" in output


def test_python(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "syncd")
    output = type_it(session(ROOT / "docs" / "python.md", python="applications.py"), folder)
    assert "\n5 profiles\n" in output
    saved = [int(size) for size in re.findall(r"^\S+ (\d+) bytes$", output, re.MULTILINE)]
    assert len(saved) > 3
    assert all(saved)


@needs_curl
def test_sandbox(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "syncd")
    output = type_it(session(ROOT / "docs" / "sandbox.md"), folder)
    assert '{"confirmed": 1}' in output
    assert '{"profiles": 221}' in output
    assert (folder / "cv.pdf").read_bytes()[:5] == b"%PDF-"
    printed = next(block for block in blocks("sandbox.md", "") if "SYNCD_BASE_URL" in block)
    greeting = re.sub(r"127.0.0.1:\d+", "127.0.0.1:8765", (folder / "sandbox.log").read_text())
    assert printed in dedented(greeting)


def dedented(text: str) -> str:
    return re.sub("^ +", "", text, flags=re.MULTILINE)


@pytest.mark.thorough
@pytest.mark.long
def test_schema_and_the_picture_in_the_readme(tmp_path: Path) -> None:
    """The reader types the line that the demo prints, and then the queries; the picture shows what the demo prints."""
    folder = checkout(tmp_path / "syncd")
    page = ROOT / "docs" / "schema.md"
    [demo] = [block for language, block in all_blocks(page) if language == "sh"]
    printed = type_it(demo, folder)
    lines = dict(re.findall(r"^  (connect|files|log|stop|remove) +(.+)$", printed, re.MULTILINE))
    queries = [query for query in blocks("schema.md", "sql") if query.startswith("SELECT")]
    kept = Path(lines["remove"].split()[-1])
    try:
        shown = subprocess.run(
            [*shlex.split(lines["connect"]), "-v", "ON_ERROR_STOP=1"],
            input="".join([*queries, r"\d+ ats.application_contact"]),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert len(re.findall(r"^\(\d+ rows?\)$", shown, re.MULTILINE)) == len(queries)
        assert "Phone number. Personal data." in shown
        assert "daemon_stopped" in Path(lines["log"]).read_text()
        stored = re.findall(r"^ acme +\|.*\| (acme/\S+)$", shown, re.MULTILINE)
        assert stored
        assert all((Path(lines["files"]) / path).is_file() for path in stored)
        running = (kept / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0]
        assert lines["stop"] == f"kill -INT {running}"
    finally:
        stop_postgres(kept / "postgres")
        assert lines["remove"] == f"rm -r {kept}"
        subprocess.run(lines["remove"].split(), check=True)

    picture = (ROOT / "docs" / "images" / "demo.svg").read_text()
    typed, *lines_shown = map(unescape, re.findall(r"<text[^>]*>(.*)</text>", picture))
    assert typed == "$ make demo"
    assert len(lines_shown) > 20
    known = [without_times(line) for line in printed.splitlines()]
    assert [line for line in lines_shown if not is_printed(without_times(line), known)] == []


def is_printed(line: str, printed: list[str]) -> bool:
    """Whether the demo prints this line. The picture shortens long lines with an ellipsis."""
    return any(full == line or (line[-1:] == "…" and full.startswith(line[:-1])) for full in printed)


def without_times(line: str) -> str:
    line = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", line)
    line = re.sub(r"\.localhost:\d+", ".ADDRESS", line)
    return re.sub(r" +", " ", re.sub(r"\d+\.\d s", "TIME", line))
