"""The disk is full, read-only or gone (faults.md): one clear error, nothing confirmed on it, and it resumes by itself."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from syncd.errors import MediaStoreFailed, SyncdError
from syncd.media.vault import Vault
from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from tests.integration.settling import (
    CONFIRM,
    MEDIA,
    assert_confirmed_once_each,
    calls,
    confirmed,
    landed,
    settle,
    states,
)
from tests.scene import scene

pytestmark = pytest.mark.slow

CONFIG = SandboxConfig(profiles=12, media_per_profile=2.0, media_size=100_000)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own of this size, mounted at the folder."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "syncd-test", folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine does not let us mount: {error.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_stops_the_download_and_is_finished_when_there_is_room_again(
    database_url: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "600k") as disk, scene(database_url, disk / "m", config=CONFIG) as s:
        ended = s.cycle()
        assert isinstance(ended.error, MediaStoreFailed)
        assert "No space left on device" in str(ended.error)
        assert "Free space" in str(ended.error)
        assert ended.outcome is Outcome.FAILED
        assert len(landed(s)) == 12  # the text needs no disk of ours
        assert set(states(s)) <= {"pending", "stored"}
        assert len(s.files()) == states(s).get("stored", 0)  # no torso, no temporary file
        assert len(calls(s, MEDIA)) <= 25
        whole = s.rows("SELECT profile_id FROM ats.application a WHERE NOT EXISTS (SELECT FROM ats.media m "
                       "WHERE m.profile_id = a.profile_id AND m.state = 'pending')")  # fmt: skip
        assert {each for _, each in confirmed(s)} <= {row["profile_id"] for row in whole}
        assert s.sandbox.findings == []
        for size in range(650, 1650, 100):  # it fills up anew each time
            mount("-o", f"remount,size={size}k", disk)
            assert isinstance(s.cycle().error, MediaStoreFailed)
            assert len(s.files()) == states(s)["stored"]

        mount("-o", "remount,size=16m", disk)
        settle(s)
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_a_read_only_disk_stops_the_download_and_is_finished_when_it_is_writable_again(
    database_url: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "16m") as disk, scene(database_url, disk / "m", config=CONFIG) as s:
        mount("-o", "remount,ro", disk)
        ended = s.cycle()
        assert isinstance(ended.error, MediaStoreFailed)
        assert "Read-only file system" in str(ended.error)
        assert len(landed(s)) == 12
        assert set(states(s)) == {"pending"}
        assert len(calls(s, MEDIA)) <= 20
        s.cycle()
        assert s.sandbox.findings == []
        mount("-o", "remount,rw", disk)
        settle(s)
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_a_disk_that_turns_read_only_in_mid_load_keeps_what_was_stored(
    database_url: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "16m") as disk, scene(database_url, disk / "m", config=CONFIG) as s:
        settle(s)
        files = s.files()
        s.sandbox.add_profiles(5)
        mount("-o", "remount,ro", disk)
        assert isinstance(s.cycle().error, MediaStoreFailed)
        assert s.files() == files
        mount("-o", "remount,rw", disk)
        settle(s)
        s.assert_complete()


def test_a_media_root_that_is_no_folder_is_a_clear_error(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "m").write_text("in the way")
    with scene(database_url, tmp_path / "m", config=CONFIG) as s:
        ended = s.cycle()
        assert isinstance(ended.error, MediaStoreFailed)
        assert len(landed(s)) == 12
        assert set(states(s)) == {"pending"}
        assert s.sandbox.findings == []
        (tmp_path / "m").unlink()
        settle(s)
        s.assert_complete()


def test_a_client_folder_that_vanishes_is_made_again(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        s.cycle()
        shutil.rmtree(tmp_path / "m")
        s.sandbox.add_profiles(5)
        settle(s)
        s.assert_complete()


def test_without_room_for_the_list_nothing_of_it_is_landed_and_the_error_names_the_remedy(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list longer than fits into memory is kept in a temporary file until it is whole."""
    none = SandboxConfig(profiles=0)
    with small_disk(tmp_path / "tmp", "1m") as disk, scene(database_url, tmp_path / "m", config=none) as s:
        for number in range(6):
            s.sandbox.put_raw_profile(b'{"profileId":%d,"steps":[{"answer":"%s"}]}' % (number, b"x" * 10**6))
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        ended = s.cycle()
        assert type(ended.error) is SyncdError
        assert "TMPDIR" in str(ended.error)
        assert landed(s) == set()
        assert calls(s, CONFIRM) == []
        assert list(disk.iterdir()) == []  # the temporary file has no name, so nothing of it is left
        mount("-o", "remount,size=64m", disk)
        assert s.cycle().tally.confirmed == 6


def test_a_disk_full_of_what_an_earlier_process_left_half_done_is_freed_by_the_next(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        mount("-o", "remount,nr_inodes=30", disk)
        vault = Vault(disk / "m", max_bytes=1000)
        vault.prepare("acme")
        vault.take_over("acme", 1)
        (half,) = (disk / "m" / ".tmp").iterdir()
        with suppress(OSError):  # no space left on the device
            for number in count():
                (half / str(number)).touch()
        assert os.statvfs(disk).f_ffree == 0
        vault.take_over("acme", 2)
        assert vault.is_ours("acme", 2)
        assert not vault.is_ours("acme", 1)
        assert not half.exists()
