"""The media root is ours alone, and nothing that somebody has put into it leads syncd out of it (ADR 23)."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.errors import MediaStoreFailed
from syncd.media.probe import probe
from syncd.media.vault import TEMPORARY, Vault
from tests.unit.test_trust import OURS, STRANGER, folder, root_only, running_as
from tests.unit.test_vault import FENCE, KEY, PDF, everything, store

__all__ = ["folder"]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path / "media", max_bytes=1000)
    vault.prepare("acme")
    vault.take_over("acme", FENCE)
    return vault


def probe_one(vault: Vault, client_id: str) -> None:
    probe(vault, [client_id])


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702, 0o757])
def test_a_media_root_that_others_can_change_is_refused(vault: Vault, mode: int) -> None:
    vault.root.chmod(mode)
    for use in (Vault.prepare, probe_one):
        with pytest.raises(MediaStoreFailed, match=f"chmod go-w {vault.root}"):
            use(vault, "acme")
    lax = Vault(vault.root, max_bytes=1000, strict=False)
    lax.prepare("acme")
    probe(lax, ["acme"])


@pytest.mark.parametrize("inner", [TEMPORARY, "acme"])
def test_a_folder_in_the_root_that_others_can_change_is_refused(vault: Vault, inner: str) -> None:
    vault.root.joinpath(inner).chmod(0o777)
    for use in (Vault.prepare, probe_one):
        with pytest.raises(MediaStoreFailed, match="chmod go-w"):
            use(Vault(vault.root, max_bytes=1), "acme")


def test_a_profiles_folder_that_others_can_change_takes_no_file(vault: Vault) -> None:
    (vault.root / "acme" / "P").mkdir(mode=0o777)
    (vault.root / "acme" / "P").chmod(0o777)
    with pytest.raises(MediaStoreFailed, match="chmod go-w"):
        store(vault, PDF)
    assert everything(vault) == set()


def test_a_folder_above_a_new_root_that_others_can_change_is_refused_and_nothing_is_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    vault = Vault(tmp_path / "open" / "media", max_bytes=1000)
    for use in (Vault.prepare, probe_one):
        with pytest.raises(MediaStoreFailed, match="can be changed by every user"):
            use(vault, "acme")
    assert list((tmp_path / "open").iterdir()) == []


@root_only
def test_a_media_root_of_another_user_is_refused(folder: Path) -> None:
    root = folder / "media"
    root.mkdir(mode=0o700)
    os.chown(root, STRANGER, STRANGER)
    for use in (Vault.prepare, probe_one):
        with running_as(OURS), pytest.raises(MediaStoreFailed, match=f"belongs to user {STRANGER}"):
            use(Vault(root, max_bytes=1), "acme")
    os.chown(root, OURS, OURS)
    with running_as(OURS):
        vault = Vault(root, max_bytes=1000)
        vault.prepare("acme")
        vault.take_over("acme", FENCE)
        store(vault, PDF)


@root_only
def test_a_volume_of_roots_that_our_group_can_write_is_taken(folder: Path) -> None:
    """As Kubernetes makes one for `fsGroup`."""
    root = folder / "media"
    root.mkdir()
    os.chown(root, 0, OURS)
    root.chmod(0o2775)
    (root / "lost+found").mkdir(mode=0o700)
    with running_as(OURS):
        vault = Vault(root, max_bytes=1000)
        probe(vault, ["acme"])
        vault.prepare("acme")
        vault.take_over("acme", FENCE)
        store(vault, PDF)
    assert (root / "acme" / "P" / "M").read_bytes() == PDF


USES: list[Callable[[Vault], object]] = [
    lambda v: store(v, PDF),
    lambda v: v.remove("acme", KEY, fence=FENCE),
    lambda v: v.measure("acme/P/M"),
    lambda v: v.adopt("acme/P/M"),
]


@pytest.mark.parametrize("use", USES, ids=["store", "remove", "measure", "adopt"])
@pytest.mark.parametrize("place", ["acme", "acme/P"])
def test_a_link_in_place_of_a_folder_is_refused_and_nothing_lands_elsewhere(
    vault: Vault, tmp_path: Path, place: str, use: Callable[[Vault], object]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "P").mkdir(parents=True)
    for file in (elsewhere / "M", elsewhere / "P" / "M"):
        file.write_bytes(b"of somebody else")
    path = vault.root / place
    if path.exists():
        path.rmdir()
    path.symlink_to(elsewhere)
    with pytest.raises(MediaStoreFailed, match="is a symbolic link, which syncd does not follow"):
        use(vault)
    assert {file.read_bytes() for file in (elsewhere / "M", elsewhere / "P" / "M")} == {b"of somebody else"}
    assert len(list(elsewhere.rglob("*"))) == 3


def test_files_behind_a_link_are_not_listed(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "P").mkdir(parents=True)
    (tmp_path / "elsewhere" / "P" / "M").touch()
    (vault.root / "acme" / "P").symlink_to(tmp_path / "elsewhere" / "P")
    assert list(vault.files("acme")) == ["acme/P"]
    (vault.root / "acme" / "P").unlink()
    (vault.root / "acme").rmdir()
    (vault.root / "acme").symlink_to(tmp_path / "elsewhere")
    assert list(vault.files("acme")) == []


@pytest.mark.parametrize("place", [TEMPORARY, f"{TEMPORARY}/acme.{FENCE + 1}", "acme"])
def test_a_link_that_waits_where_a_cycle_makes_a_folder_is_refused(
    vault: Vault, tmp_path: Path, place: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = vault.root / place
    shutil.rmtree(path, ignore_errors=True)
    path.symlink_to(elsewhere)
    fresh = Vault(vault.root, max_bytes=1000)
    with pytest.raises(MediaStoreFailed, match="is a symbolic link"):  # noqa: PT012 - either refuses
        fresh.prepare("acme")
        fresh.take_over("acme", FENCE + 1)
    assert list(elsewhere.iterdir()) == []


def test_a_link_left_in_place_of_an_earlier_holders_folder_is_removed_and_not_followed(
    vault: Vault, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (vault.root / TEMPORARY / "acme.3").symlink_to(elsewhere)
    vault.take_over("acme", FENCE + 1)
    assert [path.name for path in (vault.root / TEMPORARY).iterdir()] == [f"acme.{FENCE + 1}"]
    assert (elsewhere / "precious").exists()


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as ours:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may not be longer than 107 bytes
        ours.bind(path.name)
        os.chdir(here)


STRANGE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": make_socket,
    "link": lambda path: path.symlink_to("/etc/hostname"),
    "link to nowhere": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path),
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_what_is_no_file_is_not_read(vault: Vault, make: Callable[[Path], object]) -> None:
    (vault.root / "acme" / "P").mkdir()
    make(vault.root / "acme" / "P" / "M")
    for read in (vault.measure, vault.adopt):
        with pytest.raises(MediaStoreFailed):
            read("acme/P/M")


@pytest.mark.parametrize("make", [each for name, each in STRANGE.items() if name != "folder"])
def test_a_file_takes_the_place_of_what_is_no_file(vault: Vault, make: Callable[[Path], object]) -> None:
    (vault.root / "acme" / "P").mkdir()
    make(vault.root / "acme" / "P" / "M")
    assert list(vault.files("acme")) == ["acme/P/M"]
    assert vault.measure(store(vault, PDF).storage_path) is not None


def test_a_root_that_is_a_link_of_ours_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "media").symlink_to("disk")
    vault = Vault(tmp_path / "media", max_bytes=1000)
    vault.prepare("acme")
    vault.take_over("acme", FENCE)
    store(vault, PDF)
    assert (tmp_path / "disk" / "acme" / "P" / "M").read_bytes() == PDF


@root_only
def test_a_root_in_a_folder_that_can_be_entered_but_not_read_is_fine(folder: Path) -> None:
    (folder / "media").mkdir(mode=0o700)
    os.chown(folder / "media", OURS, OURS)
    folder.chmod(0o711)
    with running_as(OURS):
        vault = Vault(folder / "media", max_bytes=1000)
        probe(vault, ["acme"])
        vault.prepare("acme")


@root_only
def test_a_root_that_could_not_be_made_durable_is_not_made(folder: Path) -> None:
    os.chown(folder, 0, OURS)
    folder.chmod(0o731)
    with running_as(OURS):
        vault = Vault(folder / "media", max_bytes=1000)
        for use in (Vault.prepare, probe_one):
            with pytest.raises(MediaStoreFailed, match="Permission denied"):
                use(vault, "acme")
    assert list(folder.iterdir()) == []
