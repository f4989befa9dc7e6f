"""What root starts by hand works as the owner of the media root, and leaves nothing that the service could not change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.sandbox import SandboxConfig
from tests.system.processes import Site, site
from tests.unit.test_trust import OURS, folder, root_only

__all__ = ["folder"]
pytestmark = root_only
CONFIG = SandboxConfig(profiles=3, media_per_profile=1.0)


@pytest.fixture
def here(database_url: str, tmp_path: Path, folder: Path) -> Iterator[Site]:
    """A site whose media root does not exist yet, in a folder of the service's user, as `StateDirectory=` makes it."""
    os.chown(folder, OURS, OURS)
    folder.chmod(0o700)
    with site(database_url, tmp_path, CONFIG, media_root=str(folder / "media")) as here:
        yield here


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_check_by_root_makes_nothing_and_fails_where_the_service_would(here: Site, folder: Path) -> None:
    assert here.run("check").returncode == 0
    assert list(folder.iterdir()) == []
    here.media_root.mkdir()  # root's, from an earlier mistake
    (here.media_root / "acme").mkdir()
    os.chown(here.media_root, OURS, OURS)
    result = here.run("check")
    assert result.returncode == 1
    assert "FAIL  media root is writable" in result.stdout
    assert owners(folder) == {0, OURS}


@pytest.mark.parametrize("existing", ["", "media"])
def test_sync_by_root_leaves_everything_to_the_owner_of_the_folder(
    here: Site, folder: Path, existing: str
) -> None:
    (folder / existing).mkdir(exist_ok=True)
    os.chown(folder / existing, OURS, OURS)
    assert here.run("sync").returncode == 0
    assert owners(folder) == {OURS}
    here.assert_complete()


def test_daemon_and_repair_by_root_leave_everything_to_the_owner_too(here: Site, folder: Path) -> None:
    with here.start("run") as daemon:
        daemon.wait_for("cycle_finished")
        assert daemon.stop() == 0
    assert owners(folder) == {OURS}
    shutil.rmtree(next(path for path in (here.media_root / "acme").iterdir()))
    assert here.run("verify").returncode == 1
    assert here.run("verify", "--repair").returncode == 0
    assert owners(folder) == {OURS}
