"""Titles, descriptions, names and tokens of what is offered reach no line of a log, whatever stands in them."""

from __future__ import annotations

from pathlib import Path

from syncd.sandbox import SandboxConfig
from tests.system.processes import site

CANARY = "KANARIE"
HOSTILE = f'{CANARY}<script>"\u202e\x1b[2J\r\n' + "x" * 10_000


def test_hostile_texts_and_tokens_reach_no_log_even_at_debug(database_url: str, tmp_path: Path) -> None:
    with site(
        database_url, tmp_path, SandboxConfig(profiles=1), LOG__LEVEL="debug", LOG__FORMAT="json"
    ) as here:
        here.sandbox.set_templates(
            [{"templateKey": f"{CANARY}-key", "descriptions": HOSTILE}, {"x": HOSTILE}]
        )
        with here.start("run") as daemon:
            daemon.wait_for("templates_incomplete")
            daemon.wait_for("cycle_finished")
            assert daemon.stop() == 0
            log = daemon.log_path.read_text()
        title = HOSTILE.replace('"', '""')[:900]
        (tmp_path / "jobs.csv").write_bytes(f'reference,title\n{CANARY}-job,"{title}"\n'.encode())
        profile = next(here.sandbox.expected())["profileId"]
        for arguments in (
            ("jobs", "import", "jobs.csv"),
            ("apply-link", "--job", f"{CANARY}-job", "--title", HOSTILE[:300], "--template", f"{CANARY}-key"),
            ("chat", profile, "--recruiter", CANARY),
        ):
            result = here.run(*arguments)
            assert result.returncode == 0, result.stderr
            log += result.stderr
        token = result.stdout.strip().rpartition("/")[2]
        assert len(token) > 20
        assert CANARY not in log
        assert token not in log
        assert "\x1b" not in log
