"""The disk under the media root fails for real: in an fsync, or altogether. Nothing is believed, and it goes on when mended."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from syncd.sandbox import SandboxConfig
from tests.integration.test_faults_disk import mount, small_disk
from tests.starter import CLEAN
from tests.system.processes import Running, Site, eventually, site

CONFIG = SandboxConfig(profiles=8, media_per_profile=2.0, media_size=200_000)
SIZE = 512 * 1024 * 1024  # bytes of a sparse image; XFS wants 300 MB
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN of the kernel's ext4.h and XFS_IOC_GOINGDOWN of its xfs_fs.h
WITHOUT_THE_JOURNAL = struct.pack("I", 2)
MAKE = {"ext2": ("mkfs.ext2", "-q", "-F"), "ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


@contextmanager
def block_device(kind: str, image: Path, folder: Path) -> Iterator[Path]:
    """A file system on a loop device, mounted at the folder."""
    tool, *options = MAKE[kind]
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which(tool) is None:
        pytest.skip(f"this takes root, loop devices and {tool}")
    with image.open("xb") as file:
        file.truncate(SIZE)
    subprocess.run([tool, *options, image], check=True)
    folder.mkdir()
    try:
        mount("-t", kind, "-o", "loop", image, folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine does not let us mount: {error.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        with suppress(subprocess.CalledProcessError):  # a test may have ended in between
            subprocess.run(["umount", "-l", folder], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here to let fsync fail")
@pytest.mark.parametrize(
    "failing", [2, *(pytest.param(number, marks=pytest.mark.thorough) for number in (1, 3, 7, 8))]
)
def test_eio_at_an_fsync_confirms_nothing_of_it_and_the_next_sync_brings_it_again(
    failing: int, database_url: str, tmp_path: Path
) -> None:
    """The kernel answers one fsync of each thread with EIO, and claims success from then on.

    The first two are of folders in the main thread; in the one that downloads, odd ones are of files and even ones of folders.
    """
    with site(database_url, tmp_path, CONFIG, MEDIA__CONCURRENCY="1") as here:
        inject = ["-e", "trace=fsync", "-e", f"inject=fsync:error=EIO:when={failing}"]
        failed = subprocess.run(
            ["strace", "-f", "-qq", "-o", tmp_path / "trace", *inject, sys.executable, "-m", "syncd", "sync"],
            env={**CLEAN, **here.environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "(INJECTED)" in (tmp_path / "trace").read_text()
        assert failed.returncode != 0
        assert "Input/output error" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert here.sandbox.findings == []
        assert here.run("sync").returncode == 0
        assert not here.outstanding()
        here.assert_complete()


def test_a_disk_that_takes_writes_and_fails_at_fsync_is_not_believed(
    database_url: str, tmp_path: Path
) -> None:
    """A thinly provisioned disk: the file system has room and takes the writes, what is behind it has none."""
    with (
        small_disk(tmp_path / "backing", "12m") as backing,
        block_device("ext2", backing / "image", tmp_path / "disk") as disk,
        site(database_url, tmp_path, SandboxConfig(profiles=0), media_root=str(disk / "m")) as here,
    ):
        assert here.run("sync").returncode == 0
        with (backing / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(65536))
        here.sandbox.add_profiles(8)
        failed = here.run("sync")
        assert failed.returncode != 0
        assert "the media root cannot be written" in failed.stderr
        assert here.sandbox.findings == []
        assert here.value("SELECT count(*) FROM ats.application") == 8
        assert here.value("SELECT count(*) FROM ats.media WHERE state = 'pending'") > 0
        (backing / "filler").unlink()
        eventually(lambda: here.run("sync").returncode == 0, "it is brought again")
        assert not here.outstanding()
        mounted_anew("ext2", backing / "image", disk)  # so that nothing is seen that is in memory alone
        here.assert_complete()


def mounted_anew(kind: str, image: Path, disk: Path) -> None:
    eventually(lambda: subprocess.run(["umount", disk], check=False).returncode == 0, "nobody uses the disk")
    mount("-t", kind, "-o", "loop", image, disk)


def dies(disk: Path) -> None:
    """Let everything that reaches for the device fail from now on, as if it had been pulled out."""
    root = os.open(disk, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(root, SHUTDOWN, WITHOUT_THE_JOURNAL)
    finally:
        os.close(root)


def outlives(here: Site, daemon: Running, kind: str, image: Path, disk: Path) -> None:
    daemon.wait_for("cycle_finished", outcome="ok")
    dies(disk)
    here.sandbox.add_profiles(10)
    (first, *_) = daemon.wait_for("cycle_failed", 2)
    assert "Input/output error" in first["error_message"]
    assert here.value("SELECT count(*) FROM ats.application") == 18  # the text needs no disk of ours
    unconfirmed = here.value("SELECT count(DISTINCT profile_id) FROM ats.media WHERE state = 'pending'")
    assert here.outstanding() >= unconfirmed > 0
    mounted_anew(kind, image, disk)
    eventually(lambda: not here.outstanding(), "it goes on when the disk is back")
    assert daemon.stop() == 0
    assert not daemon.events("cycle_crashed")
    mounted_anew(kind, image, disk)
    here.assert_complete()


@pytest.mark.parametrize("kind", ["ext4", pytest.param("xfs", marks=pytest.mark.thorough)])
def test_a_media_disk_that_dies_is_a_clear_error_until_it_is_back(
    kind: str, database_url: str, tmp_path: Path
) -> None:
    image, folder = tmp_path / "image", tmp_path / "disk"
    with (
        block_device(kind, image, folder) as disk,
        site(database_url, tmp_path, CONFIG, media_root=str(disk / "m")) as here,
        here.start("run") as daemon,
    ):
        outlives(here, daemon, kind, image, disk)
