"""docs/operating.md from top to bottom, on a machine with Debian's Postgres 15 and systemd."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.pages import ROOT, session
from tests.system.machine import machine, missing

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "TEST_SYSTEMD" not in os.environ, reason="boots systemd: set TEST_SYSTEMD=1, as .ci/run does"
    ),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
# What Debian's package does when it is installed, and where pip finds packages without a network.
PREPARE = """
pg_dropcluster --stop 15 main 2> /dev/null || true
pg_createcluster 15 main > /dev/null
systemctl start postgresql
rm -rf ~root/.pip ~root/.config/pip
printf '[global]\\nno-index = true\\nfind-links = {wheels}\\n' > /etc/pip.conf
"""
# The unit has this line; `check` cannot know that.
LOAD_CREDENTIAL = (
    "WARN  clients[0].client_secret_file: only root can read /etc/syncd/acme_secret; if a systemd unit with another User= "
    "runs syncd, add the line LoadCredential=acme_secret:/etc/syncd/acme_secret to it"
)
# What the unit takes from the daemon, as the kernel sees it.
HARDENED = """
pid=$(systemctl show -P MainPID syncd)
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/$pid/status
grep -oE '^Max core file size +0' /proc/$pid/limits
for place in /etc /opt/syncd /var/lib /var/lib/syncd /tmp; do
  nsenter --target $pid --mount --root test -w $place && echo "may write to $place" || echo "reads $place"
done
"""
HARDENED_SAYS = """\
CapEff:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Max core file size        0
reads /etc
reads /opt/syncd
reads /var/lib
may write to /var/lib/syncd
may write to /tmp
"""
# A daemon that does not move at all; and a watchdog with less patience, so that the test is over in seconds.
FROZEN = """
mkdir -p /etc/systemd/system/syncd.service.d
printf '[Service]\nWatchdogSec=4\nRestartSec=1\n' > /etc/systemd/system/syncd.service.d/impatient.conf
systemctl daemon-reload
systemctl restart syncd
before=$(systemctl show -P MainPID syncd)
sleep 6
test "$(systemctl show -P MainPID syncd)" = "$before" || echo "restarted without a reason"
systemctl kill -s STOP --kill-whom=main syncd
for second in $(seq 60); do
  sleep 1
  now=$(systemctl show -P MainPID syncd)
  if [ "$now" != 0 ] && [ "$now" != "$before" ] && systemctl -q is-active syncd; then
    echo "another one works"
    break
  fi
done
"""


def test_an_operator_types_the_page_and_has_a_daemon_that_has_stored_files(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    subprocess.run(["/usr/bin/python3", "-m", "venv", tmp_path / "venv"], check=True)
    pip, locked = tmp_path / "venv" / "bin" / "pip", ROOT / "requirements" / "run.txt"
    subprocess.run([pip, "download", "-qq", "--require-hashes", "-r", locked, "--dest", wheels], check=True)
    (tmp_path / "machine").mkdir()
    with machine(tmp_path / "machine") as debian:
        prepared = debian.run(PREPARE.format(wheels=wheels))
        assert prepared.returncode == 0, prepared.stdout
        result = debian.run(session(ROOT / "docs" / "operating.md", port=8765), cwd=ROOT)
        journal = debian.run("journalctl -u syncd -o cat | tail -n 20").stdout
        assert result.returncode == 0, result.stdout + journal
        assert "ok    PitchYou issues a token to client 'acme'" in result.stdout
        assert "Active: active (running)" in result.stdout
        assert re.search(r'Status: "(Syncing acme|Next cycle: acme at )', result.stdout)
        assert '"event": "reloaded"' in result.stdout
        assert re.findall("^WARN.*", result.stdout, re.MULTILINE) == [LOAD_CREDENTIAL]
        assert "FAIL" not in result.stdout
        assert "  unconfirmed      0" in result.stdout
        files = debian.run(
            "find /var/lib/syncd/media -type f ! -path '*/.tmp/*' -printf '%u %m %s\\n' | sort | uniq -c"
        ).stdout
        assert re.search(r"^ +\d+ syncd 600 [1-9]", files), files
        assert not re.search("root|755", files)
        hardened = debian.run(HARDENED)
        assert hardened.stdout == HARDENED_SAYS, hardened.stdout
        restarted = debian.run(FROZEN)
        assert restarted.stdout.endswith("another one works\n"), restarted.stdout
        stopped = debian.run(
            "systemctl stop syncd; journalctl -u syncd -o cat | tail -n 9; systemctl is-failed syncd || true"
        )
        assert '"event": "daemon_stopped"' in stopped.stdout
        assert stopped.stdout.endswith("inactive\n")
