"""A machine of one test's own: this one's files below an overlay, with systemd as its process 1 and no network.

What is done in it lasts until its end, and nobody outside sees it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.processes import eventually

SYSTEMD = Path("/lib/systemd/systemd")
# Everything of it is in namespaces of its own, and ends with them.
_NAMESPACES = ["--pid", "--mount", "--ipc", "--uts", "--cgroup", "--net", "--kill-child", "--fork"]
_BOOT = f"""set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
cd "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount --rbind /dev dev
mkdir -p etc/tmpfiles.d
touch etc/tmpfiles.d/tmp.conf  # or systemd would empty /tmp, where the checkout may be
mount --make-rshared .  # as in a container; systemd hands credentials to a service through a mount that spreads
exec chroot . env -i container=test {SYSTEMD} --system --unit=multi-user.target
"""


def missing() -> str | None:
    """What this machine lacks to have such a machine in it."""
    if os.geteuid() != 0:
        return "needs root"
    programs = ["unshare", "nsenter", "systemctl", "runuser", "pg_createcluster", "make", "apt-get"]
    found = [program for program in programs if shutil.which(program) is None]
    if found or not SYSTEMD.exists() or not Path("/usr/lib/postgresql/15").exists():
        return f"needs systemd and postgresql-15: apt-get install systemd postgresql-15 ({', '.join(found)})"
    return None


class Machine:
    """Runs scripts in the machine whose process 1 has the id `init` here."""

    def __init__(self, init: int) -> None:
        self._init = init

    def run(self, script: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
        """Run a script as root after a login: with a home, a PATH, and nothing else set."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", f"--target={self._init}", "--all", "--root", f"--wd=/proc/{self._init}/root{cwd}"]
        login = ["env", "-i", "HOME=/root", f"PATH={path}"]
        return subprocess.run(
            [*enter, *login, "bash", "-euc", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=800,
        )


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Boot a machine; `folder` is where its files are mounted."""
    boot = subprocess.Popen(
        ["unshare", *_NAMESPACES, "bash", "-c", _BOOT, "bash", str(folder)], stdin=subprocess.DEVNULL
    )
    try:
        children = Path(f"/proc/{boot.pid}/task/{boot.pid}/children")
        init = eventually(lambda: children.read_text().split(), "unshare forks")[0]
        inside = Machine(int(init))
        eventually(
            lambda: (
                inside.run("systemctl is-system-running || true").stdout.strip() in ("running", "degraded")
            ),
            "systemd has booted",
        )
        yield inside
    finally:
        boot.kill()
        boot.wait()
