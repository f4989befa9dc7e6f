"""A machine that is short of something: temporary space, threads, open files. A sentence each, and the rest goes on."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from syncd.errors import SyncdError
from syncd.media.disk import disk_errors
from syncd.media.incoming import IncomingFile
from syncd.sandbox import SandboxConfig
from syncd.sync.lease_keeper import LeaseKeeper
from tests.integration.test_faults_disk import small_disk
from tests.scene import scene
from tests.starter import CLEAN
from tests.system.processes import SYNCD, site

pytestmark = pytest.mark.slow


def test_without_room_for_a_list_the_files_of_earlier_ones_still_come(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SandboxConfig(profiles=4, media_per_profile=1.0, media_late=1.0, media_late_tries=1)
    with (
        small_disk(tmp_path / "tmp", "64k") as disk,
        scene(database_url, tmp_path / "m", config=config, media_retry=0.0) as s,
    ):
        s.cycle()
        s.execute("UPDATE ats.media SET state = 'pending', next_attempt_at = now()")
        s.sandbox.put_raw_profile(b'{"profileId":"long","steps":[{"answer":"%b"}]}' % (b"x" * 5_000_000))
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(disk))
            ended = s.cycle()
        assert type(ended.error) is SyncdError
        assert "set TMPDIR to another folder" in str(ended.error)
        assert s.value("SELECT count(*) FROM ats.media WHERE state <> 'stored'") == 0
        assert s.cycle().error is None
        s.assert_complete()


def test_without_room_for_the_ids_of_a_list_there_is_a_sentence(tmp_path: Path) -> None:
    """SQLite asks for the folder of temporary files once in a process."""
    program = (
        "from syncd.sync.changes import _Ids\n"
        "with _Ids() as ids:\n"
        "    for number in range(10_000):\n"
        "        ids.add(f'{number:0500}')\n"
    )
    with small_disk(tmp_path / "tmp", "64k") as disk:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**CLEAN, "SQLITE_TMPDIR": str(disk)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert "SyncdError: the ids of a list could not be kept in a temporary file. Free space" in done.stderr


@contextmanager
def no_more_threads(monkeypatch: pytest.MonkeyPatch, allowed: int) -> Iterator[None]:
    """Python says so when the system refuses a thread; only the process's own limit can be reached here."""
    real, started = threading.Thread.start, [0]

    def start(self: threading.Thread) -> None:
        if threading.current_thread() is threading.main_thread():
            started[0] += 1
            if started[0] > allowed:
                raise RuntimeError("can't start new thread")
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        yield


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_without_more_threads_all_is_stored_one_after_the_other(
    allowed: int,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = SandboxConfig(profiles=6, media_per_profile=2.0)
    with scene(database_url, tmp_path / "m", config=config) as s:
        with no_more_threads(monkeypatch, allowed):
            ended = s.cycle()
        assert ended.error is None
        s.assert_complete()
    assert "Raise TasksMax" in capsys.readouterr().err


def test_lease_keeper_without_a_thread_is_a_sentence(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        scene(database_url, tmp_path / "m") as s,
        no_more_threads(monkeypatch, 0),
        pytest.raises(SyncdError, match="no more threads"),
        LeaseKeeper(s.outsides.database, ttl=60),
    ):
        pass


def test_with_few_open_files_fewer_downloads_run_at_a_time(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lock, number = IncomingFile.begin, threading.Lock(), count()

    def begin(self: IncomingFile, length: int | None) -> None:
        with lock:
            short = next(number) in (1, 2, 4)
        if short:
            with disk_errors:
                raise OSError(errno.EMFILE, "Too many open files")
        real(self, length)

    config = SandboxConfig(profiles=12, media_per_profile=2.0)
    with scene(database_url, tmp_path / "m", config=config, media_concurrency=8) as s:
        monkeypatch.setattr(IncomingFile, "begin", begin)
        assert s.cycle().error is None
        s.assert_complete()


def test_sync_with_hardly_any_open_files_is_a_sentence_and_loses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=12, media_per_profile=2.0)
    with site(database_url, tmp_path, config) as here:
        for limit in (14, 20, 30):
            done = subprocess.run(
                ["prlimit", f"--nofile={limit}", *SYNCD, "sync"],
                env=CLEAN | dict(here.environ),
                cwd=here.folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert "Traceback" not in done.stderr
            assert "cycle_crashed" not in done.stderr
        assert here.run("sync").returncode == 0
        here.assert_complete()
