"""Files that were confirmed and are missed later: a disk that is not mounted, or one that rots. What is left of them stays."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from syncd.deadline import Deadline
from syncd.errors import MediaStoreFailed
from syncd.media.vault import Vault
from syncd.sandbox import Fault, SandboxConfig
from syncd.sync.client_cycle import prepare_work
from syncd.sync.verify import Fault as Damage
from syncd.sync.verify import find_faults, repair
from tests.integration.settling import states
from tests.scene import Scene, scene

CONFIG = SandboxConfig(profiles=6, media_per_profile=1.0)


@pytest.fixture
def s(database_url: str, tmp_path: Path) -> Iterator[Scene]:
    """All is stored and confirmed; PitchYou has no files any more."""
    with scene(
        database_url, tmp_path / "media", config=CONFIG, media_retry=0.0, media_gone_after=0.0
    ) as opened:
        opened.cycle()
        opened.assert_complete()
        opened.sandbox.inject(Fault("media", "status", status=404, times=None))
        yield opened


def mend(s: Scene) -> list[Damage]:
    """What `syncd verify --repair` does; returns what could not be mended."""
    database, vault = s.outsides.database, s.outsides.vault
    found = list(find_faults(s.client.plan.client_id, database, vault, Deadline(30)))
    return repair(prepare_work(s.client, s.outsides, threading.Event()), found)


@contextmanager
def unmounted(s: Scene) -> Iterator[None]:
    """The media root is a bare mount point."""
    elsewhere = s.media_root.rename(s.media_root.with_name("elsewhere"))
    s.media_root.mkdir()
    yield
    shutil.rmtree(s.media_root)
    elsewhere.rename(s.media_root)


def test_a_media_root_that_is_not_mounted_is_said_and_nothing_is_done_about_its_files(s: Scene) -> None:
    before, rows = s.files(), s.rows("SELECT * FROM ats.media ORDER BY profile_id, media_id")
    with unmounted(s):
        s.sandbox.add_profiles(3)
        with pytest.raises(MediaStoreFailed, match="mount its disk"):
            raise s.cycle().error or AssertionError
        with pytest.raises(MediaStoreFailed, match="mount its disk"):
            mend(s)
        assert s.files() == set()
        assert s.rows("SELECT * FROM ats.media WHERE state = 'stored' ORDER BY profile_id, media_id") == rows
        assert s.value("SELECT count(*) FROM ats.application") == 9  # their text is safe
        assert s.sandbox.findings == []
    s.sandbox.clear_faults()
    assert s.cycle().error is None
    s.assert_complete()
    assert before <= s.files()


def test_files_that_are_back_after_a_repair_missed_them_are_stored_again_and_not_asked_for(s: Scene) -> None:
    files = s.files()
    aside = s.media_root.with_name("aside")
    shutil.copytree(s.media_root, aside)
    for file in files:
        (s.media_root / file).unlink()
    assert len(mend(s)) == len(files)
    shutil.copytree(aside, s.media_root, dirs_exist_ok=True)
    s.execute("UPDATE ats.media SET state = 'pending', next_attempt_at = now()")
    asked = len(s.sandbox.ledger.requests)
    assert mend(s) == []
    assert not [each for each in s.sandbox.ledger.requests[asked:] if "/media/" in each.path]
    assert states(s) == {"stored": len(files)}
    assert s.files() == files


def test_a_damaged_file_stays_when_pitchyou_has_no_other(s: Scene) -> None:
    files = s.files()
    damaged = s.media_root / sorted(files)[0]
    damaged.write_bytes(b"rotten" + damaged.read_bytes())
    for _ in range(2):
        mend(s)
        s.cycle()
    assert states(s)["gone"] == 1
    assert s.files() == files


def test_while_the_media_root_is_not_mounted_nothing_is_confirmed_whose_files_are_on_it(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "media", config=CONFIG) as s:
        s.cycle(confirm=False)
        with unmounted(s):
            assert isinstance(s.cycle().error, MediaStoreFailed)
            assert s.sandbox.ledger.confirms == []
        assert s.cycle().tally.confirmed == 6
        s.assert_complete()


def test_a_file_that_a_crash_left_behind_is_kept_when_pitchyou_has_no_other(s: Scene) -> None:
    """Between its name on disk and its row there may be a crash; then PitchYou has it no more."""
    files = s.files()
    s.execute(
        "UPDATE ats.media SET state = 'pending', storage_path = NULL, sha256 = NULL, size_bytes = NULL, "
        "mime_sniffed = NULL, stored_at = NULL, next_attempt_at = now()"
    )
    s.execute("UPDATE ats.media SET next_attempt_at = now() + interval '1 hour'")
    mend(s)  # does not take it for a stranger
    assert s.files() == files
    s.execute("UPDATE ats.media SET next_attempt_at = now()")
    assert s.cycle().error is None
    assert states(s) == {"stored": len(files)}
    assert s.files() == files
    s.assert_complete()


def test_while_the_media_root_is_not_mounted_no_file_is_given_up(s: Scene) -> None:
    s.execute(
        "UPDATE ats.media SET state = 'pending', next_attempt_at = now() WHERE media_id = (SELECT min(media_id) FROM ats.media)"
    )
    with unmounted(s):
        assert isinstance(s.cycle().error, MediaStoreFailed)
        assert states(s)["pending"] == 1
    assert s.cycle().error is None
    s.assert_complete()


def test_a_file_is_not_given_up_when_the_disk_goes_right_before(
    s: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    s.execute(
        "UPDATE ats.media SET state = 'pending', next_attempt_at = now(), storage_path = NULL, sha256 = NULL, "
        "size_bytes = NULL, mime_sniffed = NULL, stored_at = NULL WHERE media_id = (SELECT min(media_id) FROM ats.media)"
    )
    with ExitStack() as away, monkeypatch.context() as patch:

        def adopt(vault: Vault, storage_path: str) -> None:
            away.enter_context(unmounted(s))
            assert vault.measure(storage_path) is None

        patch.setattr(Vault, "adopt", adopt)
        assert isinstance(s.cycle().error, MediaStoreFailed)
        assert states(s)["pending"] == 1
    assert s.cycle().error is None
    s.assert_complete()


def test_one_file_that_cannot_be_read_is_a_fault_like_others_and_those_behind_it_are_looked_at(
    s: Scene,
) -> None:
    first, *_, last = sorted(s.files())
    for file in (first, last):
        (s.media_root / file).unlink()
        (s.media_root / file).mkdir()  # reading it fails, as it does where a sector is lost
    database, vault = s.outsides.database, s.outsides.vault
    found = find_faults(s.client.plan.client_id, database, vault, Deadline(30))
    assert [(each.kind, each.path) for each in found] == [("damaged", first), ("damaged", last)]
