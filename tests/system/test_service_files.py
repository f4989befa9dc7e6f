"""The files an operator copies are right as they stand: the systemd unit and the compose file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from syncd.cli.exits import WRONG_USE
from syncd.settings import load_settings

CONFIG = Path(__file__).parents[2] / "config"
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")


def verify(unit: Path) -> subprocess.CompletedProcess[str]:
    assert SYSTEMD_ANALYZE is not None, "systemd-analyze is missing; on Debian: apt-get install systemd"
    command = [SYSTEMD_ANALYZE, "verify", "--man=no", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def installed_unit(folder: Path) -> str:
    """The unit's text with the program at a place where it exists, which verify insists on."""
    program = folder / "syncd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (CONFIG / "syncd.service").read_text()
    assert text.count("ExecStart=/opt/syncd/bin/syncd run\n") == 1
    return text.replace("/opt/syncd/bin/syncd", str(program))


needs_systemd = pytest.mark.skipif(
    SYSTEMD_ANALYZE is None and "CI" not in os.environ,
    reason="systemd-analyze is not on this machine; on Debian: apt-get install systemd",
)


@needs_systemd
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "syncd.service"
    unit.write_text(installed_unit(tmp_path))
    result = verify(unit)
    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd
def test_the_unit_gives_an_intruder_next_to_nothing() -> None:
    """systemd's own measure: from 0 for a unit that may do nothing, to 10, here in tenths."""
    assert SYSTEMD_ANALYZE is not None
    command = [SYSTEMD_ANALYZE, "security", "--offline=yes", "--threshold=15", str(CONFIG / "syncd.service")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@needs_systemd
def test_an_unknown_key_in_the_unit_would_be_noticed(tmp_path: Path) -> None:
    unit = tmp_path / "syncd.service"
    unit.write_text(installed_unit(tmp_path).replace("Restart=", "Restrat="))
    assert "Restrat" in verify(unit).stderr


def test_unit_gives_syncd_time_to_finish_and_no_way_to_gain_rights() -> None:
    lines = (CONFIG / "syncd.service").read_text().splitlines()
    wanted = {
        "Type=notify",
        "NotifyAccess=main",
        "WatchdogSignal=SIGTERM",
        "User=syncd",
        "Restart=always",
        "LimitCORE=0",
        "TimeoutStopSec=35",
        "StateDirectory=syncd",
    }
    wanted |= {"NoNewPrivileges=yes", "ProtectSystem=strict", f"RestartPreventExitStatus={WRONG_USE}"}
    assert wanted <= set(lines)


def test_environment_in_the_compose_file_is_a_whole_configuration(tmp_path: Path) -> None:
    text = (CONFIG / "compose.yaml").read_text()
    environ = dict(re.findall(r"^ +(SYNCD_\w+): (.+)$", text, re.MULTILINE))
    for name in ("client_secret", "database_password"):
        (tmp_path / name).write_text(f"the {name}\n")
        (tmp_path / name).chmod(0o600)
    environ = {key: value.replace("/run/secrets", str(tmp_path)) for key, value in environ.items()}
    environ["SYNCD_MEDIA__ROOT"] = str(tmp_path)
    settings = load_settings(environ=environ)
    assert [client.client_id for client in settings.clients] == ["acme"]
    assert settings.clients[0].client_secret.reveal() == "the client_secret"
    assert "@postgres/ats" in settings.database.shown_url
