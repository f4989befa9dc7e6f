"""Where files are in the media root, and how they go: each in a place of its own, whatever its ids (decision 7)."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import MediaStoreFailed
from syncd.media.paths import path_of
from syncd.media.vault import TEMPORARY, Vault
from syncd.model import MediaKey
from tests.unit.test_vault import FENCE, KEY, PDF, everything, store, take_in


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path / "media root", max_bytes=1000)
    vault.prepare("acme")
    vault.take_over("acme", FENCE)
    return vault


HOSTILE = [
    ".",
    "..",
    "...",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "CON",
    "x\ny",
    " ",
    "~",
    "-rf",
    "%2E",
]
HOSTILE += ["%2e%2e%2f", "\u202egpj.exe", "ü" * 200, "x" * 512, "*", ".tmp", "🙂", "a%00b", "A", "a", "con."]
IDS = st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text) | st.sampled_from(HOSTILE)


def test_hostile_ids_stay_two_folders_below_the_root_and_each_has_its_own_place(vault: Vault) -> None:
    keys = [MediaKey(*ids) for one in HOSTILE for ids in ((one, one), (one, "M"), ("P", one))]
    for number, key in enumerate(keys):
        store(vault, f"{number}".encode(), key=key)
    assert [(vault.root / path_of("acme", key)).read_bytes() for key in keys] == [
        f"{number}".encode() for number in range(len(keys))
    ]
    assert len(everything(vault)) == len(keys)
    assert {path.count("/") for path in everything(vault)} == {2}
    for key in keys:
        vault.remove("acme", key, fence=FENCE)
    assert list((vault.root / "acme").iterdir()) == []


@settings(max_examples=200, deadline=None)
@given(st.tuples(IDS, IDS), st.tuples(IDS, IDS))
def test_two_keys_never_share_a_path(one: tuple[str, str], other: tuple[str, str]) -> None:
    paths = [path_of("acme", MediaKey(*ids)) for ids in (one, other)]
    assert (paths[0] == paths[1]) is (one == other)
    for path in paths:
        client, *parts = path.split("/")
        assert (client, len(parts)) == ("acme", 2)
        assert all(part.isascii() and part.isprintable() and 0 < len(part) <= 200 for part in parts)
        assert not any(part.startswith(".") for part in parts)


def test_removing_takes_the_empty_folder_along_and_only_that(vault: Vault) -> None:
    store(vault, PDF)
    store(vault, PDF, key=MediaKey("P", "N"))
    vault.remove("acme", KEY, fence=FENCE)
    assert everything(vault) == {"acme/P/N"}
    for _ in range(2):  # a missing file is fine
        vault.remove("acme", MediaKey("P", "N"), fence=FENCE)
        vault.remove("acme", MediaKey("never", "stored"), fence=FENCE)
        assert everything(vault) == set()
        assert not (vault.root / "acme/P").exists()
    assert (vault.root / "acme").is_dir()


def test_leftovers_of_earlier_holders_go_and_everybody_elses_stay(vault: Vault) -> None:
    names = ["acme.6/a", "acme.5/b", "acme.5/c", "acme.7/d", "acme.10/e", "acme2.1/f", "probe.g", "acme.x/h"]
    names.append("acme.4.i")  # as earlier versions wrote them
    for name in names:
        path = vault.root / TEMPORARY / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"left")
    vault.take_over("acme", 7)
    assert everything(vault) == {f"{TEMPORARY}/{name}" for name in names[3:8]}
    assert not (vault.root / TEMPORARY / "acme.6").exists()


def test_a_holder_that_was_taken_over_in_the_middle_of_a_file_stores_nothing_any_more(vault: Vault) -> None:
    def taken_over_meanwhile() -> Iterator[bytes]:
        yield PDF
        vault.take_over("acme", FENCE + 1)

    with pytest.raises(MediaStoreFailed):
        take_in(vault, taken_over_meanwhile(), length=len(PDF), fence=FENCE)
    with pytest.raises(MediaStoreFailed):
        take_in(vault, [PDF], length=len(PDF), fence=FENCE)
    assert everything(vault) == set()
    take_in(vault, [PDF], length=len(PDF), fence=FENCE + 1)
    assert everything(vault) == {path_of("acme", KEY)}


def test_a_file_that_is_not_there_has_no_measure_and_one_that_cannot_be_read_is_an_error(
    vault: Vault,
) -> None:
    assert vault.measure("acme/P/M") is None
    (vault.root / "acme/P/M").mkdir(parents=True)
    with pytest.raises(MediaStoreFailed, match="cannot be read"):
        vault.measure("acme/P/M")


def test_a_link_laid_where_a_file_goes_is_replaced_and_not_followed(vault: Vault, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    (vault.root / "acme/P").mkdir()
    (vault.root / "acme/P/M").symlink_to(elsewhere)
    store(vault, PDF)
    assert elsewhere.read_bytes() == b"not ours"
    assert not (vault.root / "acme/P/M").is_symlink()


def test_a_folder_of_an_earlier_holder_that_cannot_be_removed_shuts_it_out_all_the_same(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is another user's, say: `sudo syncd sync` was killed."""

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rmdir", refuse)
        vault.take_over("acme", FENCE + 1)
    with pytest.raises(MediaStoreFailed):
        store(vault, PDF)
    vault.take_over("acme", FENCE + 2)
    assert [path.name for path in (vault.root / TEMPORARY).iterdir()] == [f"acme.{FENCE + 2}"]


def test_who_was_taken_over_from_removes_no_file(vault: Vault) -> None:
    store(vault, PDF)
    vault.take_over("acme", FENCE + 1)
    with pytest.raises(MediaStoreFailed):
        vault.remove("acme", KEY, fence=FENCE)
    assert everything(vault) == {path_of("acme", KEY)}
    vault.remove("acme", KEY, fence=FENCE + 1)
    assert everything(vault) == set()


def test_a_file_that_is_adopted_is_made_durable(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = store(vault, PDF)
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    assert vault.adopt(stored.storage_path) == stored
    assert synced == [str(vault.root / stored.storage_path), str((vault.root / stored.storage_path).parent)]
    assert vault.adopt("acme/P/never") is None
