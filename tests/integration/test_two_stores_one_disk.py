"""A database that is older than the media root, or another one, takes files for strangers. Repair deletes none of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import MediaStoreFailed
from syncd.sandbox import SandboxConfig
from syncd.sync.client_cycle import prepare_work
from syncd.sync.verify import find_faults, repair
from syncd.sync.work import Work
from tests.scene import Scene, scene

CONFIG = SandboxConfig(profiles=6, media_per_profile=2.0)


@pytest.fixture
def s(database_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene(database_url, tmp_path / "media", config=CONFIG) as opened:
        opened.cycle()
        opened.assert_complete()
        yield opened


def contents(s: Scene) -> dict[str, bytes]:
    """The bytes of all files below the media root."""
    return {path: (s.media_root / path).read_bytes() for path in s.files()}


def mend(s: Scene) -> Work:
    """What `syncd verify --repair` does."""
    found = list(find_faults("acme", s.outsides.database, s.outsides.vault, Deadline(30)))
    work = prepare_work(s.client, s.outsides, threading.Event())
    assert repair(work, found) == []
    assert not list(find_faults("acme", s.outsides.database, s.outsides.vault, Deadline(30)))
    return work


def test_repair_with_a_database_of_yesterday_deletes_no_file_and_says_where_each_one_is(s: Scene) -> None:
    before = contents(s)
    s.execute("DELETE FROM ats.application WHERE profile_id IN (SELECT profile_id FROM ats.media)")
    work = mend(s)
    assert contents(s) == {f".lost/{path}": content for path, content in before.items()}
    assert work.lost == {path: f".lost/{path}" for path in before}
    assert s.outsides.vault.count_lost("acme") == len(before)
    assert [path.stat().st_mode & 0o777 for path in (s.media_root / ".lost").rglob("*") if path.is_dir()] == [
        0o700 for path in (s.media_root / ".lost").rglob("*") if path.is_dir()
    ]


def test_files_that_are_moved_back_belong_to_the_right_database_again(s: Scene) -> None:
    rows = s.rows("SELECT * FROM ats.media")
    s.execute("CREATE TABLE public.kept AS SELECT * FROM ats.media")
    s.execute("CREATE TABLE public.kept_places AS SELECT * FROM ats.attachment")
    s.execute("DELETE FROM ats.media")
    mend(s)
    s.execute("INSERT INTO ats.media SELECT * FROM public.kept")
    s.execute("INSERT INTO ats.attachment SELECT * FROM public.kept_places")
    for profile in (s.media_root / ".lost/acme").iterdir():
        profile.rename(s.media_root / "acme" / profile.name)
    assert s.rows("SELECT * FROM ats.media") == rows
    assert not list(find_faults("acme", s.outsides.database, s.outsides.vault, Deadline(30)))


def test_repair_that_finds_the_same_name_again_overwrites_nothing(s: Scene) -> None:
    stranger = s.media_root / "acme/P-1/stranger"
    for content in (b"first", b"second", b"third"):
        stranger.parent.mkdir(exist_ok=True)
        stranger.write_bytes(content)
        mend(s)
    (s.media_root / "acme/P-1").mkdir(exist_ok=True)
    (s.media_root / "acme/P-1/stranger").mkdir()  # a folder where a file was
    (s.media_root / "acme/P-1/stranger/deeper").write_bytes(b"fourth")
    mend(s)
    lost = {path: content for path, content in contents(s).items() if path.startswith(".lost")}
    assert lost == {
        ".lost/acme/P-1/stranger": b"first",
        ".lost/acme/again-2/P-1/stranger": b"second",
        ".lost/acme/again-3/P-1/stranger": b"third",
        ".lost/acme/again-4/P-1/stranger/deeper": b"fourth",
    }


@pytest.mark.parametrize("place", [".lost", ".lost/acme"])
def test_repair_that_finds_a_file_in_place_of_its_folder_ends_with_a_sentence(s: Scene, place: str) -> None:
    (s.media_root / "acme/stranger").write_bytes(b"the last copy")
    (s.media_root / place).parent.mkdir(mode=0o700, exist_ok=True)
    (s.media_root / place).touch()
    with pytest.raises(MediaStoreFailed, match="Not a directory"):
        mend(s)
    assert (s.media_root / "acme/stranger").read_bytes() == b"the last copy"
    (s.media_root / place).unlink()
    mend(s)
    s.assert_complete()


def test_repair_that_was_killed_between_the_two_names_finishes_the_move(s: Scene) -> None:
    stranger = s.media_root / "acme/stranger"
    stranger.write_bytes(b"the last copy")
    assert s.outsides.vault.keep("acme/stranger") == ".lost/acme/stranger"
    assert stranger.exists()  # killed here
    work = mend(s)
    assert work.lost == {"acme/stranger": ".lost/acme/stranger"}
    assert not stranger.exists()
    assert (s.media_root / ".lost/acme/stranger").read_bytes() == b"the last copy"
    s.assert_complete()


def test_repair_keeps_the_file_of_another_store_that_it_replaces(s: Scene) -> None:
    """A copy of the database for tests names the media root of production, where the same ids belong to somebody else."""
    path = sorted(s.files())[0]
    (s.media_root / path).write_bytes(b"somebody else's document")
    work = mend(s)
    assert work.lost == {path: f".lost/{path}"}
    assert (s.media_root / f".lost/{path}").read_bytes() == b"somebody else's document"
    s.assert_complete()


def test_cycles_leave_alone_what_is_lost(s: Scene) -> None:
    (s.media_root / "acme/stranger").write_bytes(b"the last copy")
    mend(s)
    s.sandbox.add_profiles(3)
    assert s.cycle().error is None
    assert (s.media_root / ".lost/acme/stranger").read_bytes() == b"the last copy"
