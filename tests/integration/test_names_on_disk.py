"""A media root that takes two names for one would store two applications' files as one. It is refused before that."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.errors import MediaStoreFailed
from syncd.media.folding import require_distinct_names
from syncd.media.probe import probe
from syncd.media.vault import Vault
from syncd.sandbox import SandboxConfig
from tests.scene import scene


@contextmanager
def exfat(folder: Path) -> Iterator[Path]:
    """A real exFAT file system, which folds case, by FUSE: kernels often come without it."""
    tools = ("mkfs.exfat", "mount.exfat-fuse", "losetup")
    if os.geteuid() != 0 or not Path("/dev/fuse").exists() or not all(map(shutil.which, tools)):
        pytest.skip(
            f"this takes root, /dev/fuse and {', '.join(tools)}: apt-get install exfat-fuse exfatprogs"
        )
    image = folder.with_suffix(".image")
    with image.open("xb") as file:
        file.truncate(8 * 1024 * 1024)
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    attached = subprocess.run(["losetup", "-f", "--show", image], check=False, capture_output=True, text=True)
    if attached.returncode:
        pytest.skip(f"this machine has no loop device: {attached.stderr.strip()}")
    device = attached.stdout.strip()
    folder.mkdir()
    try:
        subprocess.run(
            ["mount.exfat-fuse", "-o", "umask=0077", device, folder], check=True, capture_output=True
        )
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def test_exfat_folds_case_and_is_refused_before_a_file_is_overwritten(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=4, media_per_profile=2.0)
    with exfat(tmp_path / "disk") as disk, scene(database_url, disk / "media", config=config) as s:
        with pytest.raises(MediaStoreFailed, match="does not tell apart"):
            probe(s.outsides.vault, [])
        for _ in range(2):
            ended = s.cycle()
            assert isinstance(ended.error, MediaStoreFailed)
            assert "Move the media root" in str(ended.error)
        assert s.files() == set()
        assert s.value("SELECT count(*) FROM ats.application") == 4  # their text is safe
        assert s.sandbox.ledger.confirms == []


@pytest.mark.parametrize("twin", ["fOLDING.ACME", "Folding.acme."])
def test_media_root_where_a_twin_of_a_name_answers_is_refused_at_a_clients_first_use(
    twin: str, tmp_path: Path
) -> None:
    """On a folding file system, a name that was never created is there. So it is here, on any file system."""
    vault = Vault(tmp_path / "media", max_bytes=1)
    (tmp_path / "media/.tmp" / twin).mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(MediaStoreFailed, match="Move the media root"):
            vault.prepare("acme")
    vault.prepare("other")


def test_media_root_that_tells_names_apart_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "Folding.acme").mkdir()  # of a process that was killed
    require_distinct_names(tmp_path, "Folding.acme")
    assert list(tmp_path.iterdir()) == []
