"""What another user has put into the media root leads no applicant's file elsewhere, and does not stop `verify`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from syncd.errors import MediaStoreFailed
from syncd.sandbox import SandboxConfig
from tests.integration.settling import confirmed, settle
from tests.scene import scene
from tests.system.processes import site

CONFIG = SandboxConfig(profiles=3, media_per_profile=1.0, media_size=2000)


def test_nothing_is_confirmed_whose_file_a_planted_link_leads_elsewhere(
    database_url: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with scene(database_url, tmp_path / "m", config=CONFIG) as s:
        s.cycle(confirm=False)
        profile = s.value("SELECT min(profile_id) FROM ats.media")
        s.execute("UPDATE ats.media SET state = 'pending', stored_at = NULL, storage_path = NULL")
        link = s.media_root / "acme" / profile
        shutil.rmtree(link)
        link.symlink_to(elsewhere)
        ended = s.cycle(media_retry=0.02)
        assert ended.error or ended.shortfall
        assert list(elsewhere.iterdir()) == []
        assert profile not in {each for _, each in confirmed(s)}
        link.unlink()
        settle(s)
        s.assert_complete()


def test_a_media_root_that_others_can_change_takes_no_file_until_it_is_ours(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=CONFIG) as s:
        (tmp_path / "m").mkdir()
        (tmp_path / "m").chmod(0o777)
        ended = s.cycle()
        assert isinstance(ended.error, MediaStoreFailed)
        assert f"chmod go-w {tmp_path / 'm'}" in str(ended.error)
        assert s.files() == set()
        (tmp_path / "m").chmod(0o700)
        settle(s)
        s.assert_complete()


def test_verify_names_what_is_no_file_of_ours_and_goes_on(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, CONFIG) as here:
        assert here.run("sync").returncode == 0
        client = here.media_root / "acme"
        (path,) = (Path(each) for (each,) in here.rows("SELECT min(storage_path) FROM ats.media"))
        (here.media_root / path).unlink()
        os.mkfifo(here.media_root / path)
        os.mkfifo(client / "pipe")
        (client / "link").symlink_to("/etc")
        odd = [b"\xff\xfe", b"a\nb\x1b[2J", "ä".encode(), b"%00", b"x" * 250]
        for name in odd:
            (Path(os.fsdecode(bytes(client / "P") + b"-" + name))).touch()
        result = here.run("verify", "--json")
        assert result.returncode == 1, result.stderr
        (found,) = json.loads(result.stdout)["clients"].values()
        kinds = [fault["kind"] for fault in found["faults"]]
        assert (kinds.count("damaged"), kinds.count("orphan")) == (1, 2 + len(odd)), found
        lines = here.run("verify").stdout.splitlines()
        assert "acme: orphan acme/P-\\udcff\\udcfe" in lines
        assert "acme: orphan acme/P-a\\nb\\x1b[2J" in lines
        assert f"acme: damaged {path}" in lines
        assert here.run("verify", "--repair").returncode == 0
        assert Path("/etc/passwd").exists()
        here.assert_complete()
