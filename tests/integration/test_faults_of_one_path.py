"""The disk refuses the path of one file. It is that file's error; all other files are stored and confirmed."""

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.errors import MediaStoreFailed
from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from syncd.sandbox.content.profiles import attachments
from tests.integration.settling import MEDIA, assert_confirmed_once_each, calls, settle
from tests.integration.test_bad_profiles import file, profile
from tests.scene import Scene, scene

CONFIG = SandboxConfig(profiles=8, media_per_profile=1.0, media_size=20_000)


def assert_only_this_file_waits(s: Scene, media_id: str, error: str) -> None:
    """Checks a cycle in which one file cannot be placed, and that it waits for its next attempt."""
    ended = s.cycle(media_retry=60)
    assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
    rows = s.rows(
        "SELECT media_id, state, last_error, attempts, next_attempt_at > now() AS later FROM ats.media "
        "WHERE state <> 'stored'"
    )
    assert [tuple(row.values()) for row in rows] == [(media_id, "pending", error, 1, True)]
    assert ended.tally.media_stored == s.value("SELECT count(*) FROM ats.media") - 1 > 0
    assert ended.tally.confirmed == s.value("SELECT count(*) FROM ats.application") - 1
    asked = len(calls(s, MEDIA))
    assert s.cycle(media_retry=60).error is None
    assert len(calls(s, MEDIA)) == asked
    assert not [path for path in s.files() if path.startswith(".tmp")]
    assert not list(s.media_root.glob("acme/.*"))


def assert_it_comes(s: Scene) -> None:
    s.execute("UPDATE ats.media SET next_attempt_at = now() WHERE state = 'pending'")
    settle(s)
    s.assert_complete()
    assert_confirmed_once_each(s)


def folder_for_the_file(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def file_for_the_folder(path: Path) -> None:
    path.parent.write_text("in the way")


def link_to_itself(path: Path) -> None:
    path.parent.symlink_to(path.parent.name)


def link_into_nothing(path: Path) -> None:
    path.parent.symlink_to("nothing")


def immutable_folder(path: Path) -> None:
    path.parent.mkdir()
    found = subprocess.run(["chattr", "+i", path.parent], check=False, capture_output=True)
    if found.returncode:
        pytest.skip("only root can make a folder immutable, and not on each file system")


@pytest.mark.parametrize("concurrency", [16, pytest.param(1, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (folder_for_the_file, "disk_eisdir"),
        (file_for_the_folder, "disk_enotdir"),
        (link_to_itself, "disk_eloop"),
        (link_into_nothing, "disk_eloop"),
        (immutable_folder, "disk_eperm"),
    ],
)
def test_a_path_that_cannot_be_used_is_the_error_of_its_file_alone(
    spoil: Callable[[Path], None], error: str, concurrency: int, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=CONFIG, media_concurrency=concurrency) as s:
        first = next(each for each in s.sandbox.expected() if each.get("cv"))
        path = s.media_root / "acme" / first["profileId"] / first["cv"]["mediaId"]
        (s.media_root / "acme").mkdir(parents=True)
        spoil(path)
        try:
            assert_only_this_file_waits(s, path.name, error)
        finally:
            if spoil is immutable_folder:
                subprocess.run(["chattr", "-i", path.parent], check=True)
        shutil.rmtree(path) if path.is_dir() else None
        if not path.parent.is_dir() or path.parent.is_symlink():
            path.parent.unlink()
        assert_it_comes(s)


def test_a_path_longer_than_linux_takes_in_one_call_is_stored_name_by_name(
    database_url: str, tmp_path: Path
) -> None:
    """Linux takes 4,096 bytes; the root leaves room for the short ids, and not for the long one."""
    root = tmp_path
    while len(str(root)) < 3_700:
        root /= "d" * min(200, 3_740 - len(str(root)))
    with scene(database_url, root, config=CONFIG) as s:
        long_id = "m" * 190
        s.sandbox.put_raw_profile(profile(profileId="0" * 190, cv=file(mediaId=long_id)))
        ended = s.cycle()
        assert (ended.outcome, ended.error) == (Outcome.OK, None)
        assert s.value("SELECT state FROM ats.media WHERE media_id = :id", id=long_id) == "stored"


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_larger_than_the_file_system_takes_is_its_own_error_alone(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=8, media_per_profile=1.0)
    with scene(database_url, tmp_path / "m", config=config) as s:
        sizes = {
            str(held["mediaId"]): len(s.sandbox.media_bytes(None, each["profileId"], held["mediaId"]))
            for each in s.sandbox.expected()
            for _, _, held in attachments(each)
        }
        largest = max(sizes, key=lambda media_id: sizes[media_id])
        with no_file_larger_than(sizes[largest] - 1):
            assert_only_this_file_waits(s, largest, "disk_efbig")
        assert_it_comes(s)


def test_a_clients_folder_that_takes_no_file_ends_the_stage_at_once(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=CONFIG, media_concurrency=1) as s:
        folder = s.media_root / "acme"
        folder.mkdir(parents=True)
        if subprocess.run(["chattr", "+i", folder], check=False, capture_output=True).returncode:
            pytest.skip("only root can make a folder immutable, and not on each file system")
        try:
            ended = s.cycle()
        finally:
            subprocess.run(["chattr", "-i", folder], check=True)
        assert isinstance(ended.error, MediaStoreFailed)
        assert "Operation not permitted" in str(ended.error)
        assert len(calls(s, MEDIA)) == 1
        settle(s)
        s.assert_complete()


def test_a_file_that_cannot_be_removed_does_not_keep_the_others_on_disk(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=replace(CONFIG, after_confirm="stay")) as s:
        settle(s)
        with_cv = [each for each in s.sandbox.expected() if each.get("cv")][:3]
        for each in with_cv:
            s.sandbox.change_profile(each["profileId"], drop_media=[each["cv"]["mediaId"]])
        paths = [s.media_root / "acme" / each["profileId"] / each["cv"]["mediaId"] for each in with_cv]
        if subprocess.run(["chattr", "+i", paths[0].parent], check=False, capture_output=True).returncode:
            pytest.skip("only root can make a folder immutable, and not on each file system")
        try:
            ended = s.cycle()
        finally:
            subprocess.run(["chattr", "-i", paths[0].parent], check=True)
        assert isinstance(ended.error, MediaStoreFailed)
        assert "ops.media_removal" in str(ended.error)
        assert [path.exists() for path in paths] == [True, False, False]
        assert s.value("SELECT media_id FROM ops.media_removal") == paths[0].name
        assert s.cycle().error is None
        assert not paths[0].exists()
        s.assert_complete()
