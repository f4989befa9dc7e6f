"""Simulates a machine whose power can be cut: Postgres on one loop device, media on another, with the same file system.

A cut is a shutdown of the file system (`xfs_io -x -c shutdown`): from then on nothing reaches the device, neither dirty
pages nor the part of the journal that is still in memory. The next mount replays the journal on the device.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import psutil
import psycopg

from syncd.embedded import start_postgres
from tests import starter
from tests.database import SERVER_SETTINGS, make_migrated
from tests.proof.world import TEMPLATE, address
from tests.system.processes import eventually

# How to make and mount each file system, so that as little as possible reaches the device without an fsync. By default,
# ext4 writes its journal every five seconds, and writes the bytes of a file at once if the file replaces another.
FILE_SYSTEMS = {
    "ext4": (("mkfs.ext4", "-q", "-F"), "loop,commit=600,noauto_da_alloc"),
    "xfs": (("mkfs.xfs", "-q", "-f"), "loop"),
}
# Let the server write its log as late as possible, unless a transaction asks for more.
SETTINGS = {**SERVER_SETTINGS, "synchronous_commit": "off", "wal_writer_delay": "10s"}
_SIZE = 512 * 1024 * 1024  # bytes of a sparse file; XFS needs 300 MB
_SHUTDOWN = (
    0x8004587D  # EXT4_IOC_SHUTDOWN of the kernel's ext4.h and XFS_IOC_GOINGDOWN of its xfs_fs.h are the same
)
_WITHOUT_THE_JOURNAL = struct.pack("I", 2)  # ..._GOING_FLAGS_NOLOGFLUSH
_NEW_MOUNTS = 0x20000  # CLONE_NEWNS


TOOLS = {"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs"}


def missing() -> str | None:
    """Says what this machine lacks for power cuts, and what to do about it; None if nothing."""
    if os.geteuid() != 0:
        return "Power cuts are proven on file systems of their own: run this as root, who may mount them."
    if not Path("/dev/loop-control").exists():
        return (
            "Power cuts are proven on loop devices, and there are none here: run this outside of a container."
        )
    return None


class Disk:
    """A new file system on a loop device, mounted at `folder` inside a `with`."""

    def __init__(self, kind: str) -> None:
        self._kind, self._place = kind, Path(mkdtemp(dir=_our_own_mounts()))
        self._image, self.folder = self._place / "image", self._place / "folder"
        self._mounted = False

    def __enter__(self) -> Disk:
        self.folder.mkdir()
        with self._image.open("xb") as file:
            file.truncate(_SIZE)
        _run(*FILE_SYSTEMS[self._kind][0], self._image)
        self.mount()
        return self

    def __exit__(self, *exc: object) -> None:
        self.unmount()
        shutil.rmtree(self._place)

    def cut(self) -> None:
        """Cuts the power: from now on nothing reaches the device."""
        root = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(root, _SHUTDOWN, _WITHOUT_THE_JOURNAL)
        finally:
            os.close(root)

    def mount(self) -> None:
        """Mounts the file system, which replays its journal."""
        _run("mount", "-t", self._kind, "-o", FILE_SYSTEMS[self._kind][1], self._image, self.folder)
        self._mounted = True

    def unmount(self) -> None:
        """Unmounts the file system. After a cut, this loses what is only in memory."""
        # The kernel closes the files of a killed process a little later.
        if self._mounted:
            eventually(lambda: _unmounted(self.folder), f"{self.folder} is free")
        self._mounted = False


class Machine:
    """A Postgres and a disk for media, which lose their power together. Both exist inside a `with`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._disk = Disk(kind)

    def __enter__(self) -> Machine:
        with ExitStack() as within:
            within.enter_context(self._disk)
            self._postgres = within.enter_context(
                start_postgres(self._disk.folder / "postgres", settings=SETTINGS)
            )
            make_migrated(self._postgres)
            self._postgres.stop()
            os.sync()  # initdb runs without syncs
            self._postgres.start()
            self._within = within.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._within.close()

    @contextmanager
    def installation(self) -> Iterator[tuple[str, Disk]]:
        """Returns the URL of a new database with the newest schema, and empties the disk."""
        name = f"point_{os.urandom(6).hex()}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            with Disk(self._kind) as media:
                yield address(name, self._postgres), media
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def without_power(self, media: Disk) -> Iterator[None]:
        """Cuts the power. At the end of the `with`, restores it and lets Postgres recover."""
        pid_file = self._disk.folder / "postgres" / "cluster" / "postmaster.pid"
        memory = pid_file.read_text().split("\n")[6].split()[1]
        postmaster = psutil.Process(self._postgres.pid)
        disks = (media, self._disk)
        # A process that is still alive between the two cuts sees the first disk fail.
        for disk in disks:
            disk.cut()
        _kill(postmaster)
        _run("ipcrm", "--shmem-id", memory)  # the kernel would keep it until the real machine restarts
        try:
            yield
        finally:
            for disk in disks:
                disk.unmount()
                disk.mount()
            # After a real restart no process has this id; here it may still belong to a dead process.
            pid_file.unlink(missing_ok=True)
            self._postgres.start()

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self._postgres.url, autocommit=True) as connection:
            connection.execute(sql.encode())


@cache
def machine(kind: str) -> Machine:
    """Returns this process's machine with this file system."""
    _our_own_mounts()  # they must go after everything in them
    within = ExitStack()
    atexit.register(within.close)
    return within.enter_context(Machine(kind))


@cache
def _our_own_mounts() -> Path:
    """A folder in memory for images and mounts. The kernel takes it away with this process, however that ends."""
    assert starter.running() is False, "a process that was started before would not see our mounts"
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    _run("mount", "--make-rprivate", "/")
    folder = Path(mkdtemp(prefix="syncd-power-"))
    atexit.register(folder.rmdir)  # runs after the next handler
    _run("mount", "-t", "tmpfs", "tmpfs", folder)
    atexit.register(_unmounted, folder)
    return folder


def _unmounted(folder: Path) -> bool:
    return subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0


def _kill(postmaster: psutil.Process) -> None:
    postmaster.suspend()  # so that it starts no other processes
    victims = [*postmaster.children(recursive=True), postmaster]
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    eventually(lambda: all(_is_dead(victim) for victim in victims), "all of Postgres is gone")


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)  # the files of a zombie are closed
    except psutil.NoSuchProcess:
        return True


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.strip()}"
