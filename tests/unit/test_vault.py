"""The media root: a file that has its name is whole and durable, whatever fails (faults.md, decision 8)."""

import errno
import hashlib
import os
import resource
import shutil
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.errors import ApiUnavailable, MediaStoreFailed
from syncd.media.disk import disk_errors
from syncd.media.incoming import FileTooLarge, IncompleteFile
from syncd.media.probe import probe
from syncd.media.vault import TEMPORARY, Vault
from syncd.model import MediaKey, StoredFile

FENCE = 7
KEY = MediaKey("P", "M")
PDF = b"%PDF-1.7 and so on"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path / "media root", max_bytes=1000)
    vault.prepare("acme")
    vault.take_over("acme", FENCE)
    return vault


def store(vault: Vault, *chunks: bytes, key: MediaKey = KEY, length: int | None = None) -> StoredFile:
    return take_in(vault, chunks, key=key, length=length)


def take_in(
    vault: Vault,
    chunks: Iterable[bytes],
    *,
    key: MediaKey = KEY,
    length: int | None = None,
    fence: int = FENCE,
) -> StoredFile:
    with vault.incoming("acme", key, fence) as file:
        file.begin(length)
        for chunk in chunks:
            file.write(chunk)
        return file.keep()


def everything(vault: Vault) -> set[str]:
    """All files below the root, temporary ones too."""
    return {path.relative_to(vault.root).as_posix() for path in vault.root.rglob("*") if not path.is_dir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("length", [None, len(PDF)])
def test_a_stored_file_is_at_its_place_with_its_size_digest_and_kind(
    vault: Vault, length: int | None
) -> None:
    stored = store(vault, PDF[:3], b"", PDF[3:], length=length)
    assert stored == StoredFile("acme/P/M", len(PDF), hashlib.sha256(PDF).digest(), "application/pdf")
    assert (vault.root / stored.storage_path).read_bytes() == PDF
    assert everything(vault) == {"acme/P/M"}
    assert vault.measure("acme/P/M") == (stored.size_bytes, stored.sha256)
    assert list(vault.files("acme")) == ["acme/P/M"]


def test_nobody_else_may_read_a_file_or_list_a_folder_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        vault = Vault(tmp_path / "deep" / "root", max_bytes=1000)
        vault.prepare("acme")
        vault.take_over("acme", FENCE)
        store(vault, PDF)
        for folder in (".", TEMPORARY, f"{TEMPORARY}/acme.{FENCE}", "acme", "acme/P"):
            assert mode(vault.root / folder) == 0o700, folder
        assert mode(vault.root / "acme/P/M") == 0o600
    finally:
        os.umask(before)


def test_a_file_is_private_while_it_is_written(vault: Vault) -> None:
    def chunks() -> Iterator[bytes]:
        yield PDF
        [path] = (vault.root / TEMPORARY / f"acme.{FENCE}").iterdir()
        assert mode(path) == 0o600
        assert everything(vault) == {path.relative_to(vault.root).as_posix()}

    take_in(vault, chunks())


def test_a_file_is_on_disk_before_it_has_its_name_then_its_name_is_and_its_folder_once_settled(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spy on the real fsync: what was synced, and whether the file had its name by then."""
    synced: list[tuple[str, bool]] = []
    real, final = os.fsync, vault.root / "acme/P/M"

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.relative_to(vault.root).as_posix(), final.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store(vault, PDF)
    (temporary, named), *folders = synced
    assert temporary.startswith(f"{TEMPORARY}/")
    assert not named
    assert folders == [("acme/P", True)]
    vault.settle("acme")
    assert synced[2:] == [("acme", True)]


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_after_a_failed_fsync_the_file_is_not_believed(
    vault: Vault, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call is of the file, the second of its folder, the third of the client's."""
    calls: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(MediaStoreFailed, match="Input/output error"):  # noqa: PT012 - whichever fails
        store(vault, PDF)
        vault.settle("acme")
    assert len(calls) == failing
    assert not list((vault.root / TEMPORARY / f"acme.{FENCE}").iterdir())
    monkeypatch.undo()
    store(vault, PDF)
    assert everything(vault) == {"acme/P/M"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_what_concerns_the_whole_disk_is_not_taken_for_the_error_of_one_path(number: int) -> None:
    with pytest.raises(MediaStoreFailed) as caught, disk_errors:
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is MediaStoreFailed


@pytest.mark.parametrize(
    ("chunks", "length", "error"),
    [
        ([PDF], len(PDF) + 1, IncompleteFile),
        ([PDF], len(PDF) - 1, IncompleteFile),
        ([PDF], 0, IncompleteFile),
        ([], 5, IncompleteFile),
        ([], None, IncompleteFile),
        ([b"", b""], None, IncompleteFile),
        ([b"x" * 600, b"x" * 401], None, FileTooLarge),
        ([b"x" * 600, b"x" * 401], 1000, FileTooLarge),
        ([b"x"], 1001, FileTooLarge),
    ],
)
def test_what_is_not_whole_or_too_large_leaves_the_file_that_was_there(
    vault: Vault, chunks: list[bytes], length: int | None, error: type[Exception]
) -> None:
    for before in (set(), {"acme/P/M"}):
        assert everything(vault) == before
        with pytest.raises(error):
            store(vault, *chunks, length=length)
        assert everything(vault) == before
        store(vault, b"before")
    assert (vault.root / "acme/P/M").read_bytes() == b"before"


def test_the_largest_file_and_an_announced_empty_one_are_stored(vault: Vault) -> None:
    assert store(vault, b"x" * 1000, length=1000).size_bytes == 1000
    assert store(vault, length=0, key=MediaKey("P", "empty")).size_bytes == 0
    assert everything(vault) == {"acme/P/M", "acme/P/empty"}


def test_an_endless_file_is_left_at_the_limit(vault: Vault) -> None:
    asked = 0

    def endless() -> Iterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield b"x" * 100

    with pytest.raises(FileTooLarge):
        take_in(vault, endless())
    assert asked == 11
    assert everything(vault) == set()


@pytest.mark.parametrize("error", [ApiUnavailable("broke"), KeyboardInterrupt()])
def test_a_download_that_breaks_leaves_nothing(vault: Vault, error: BaseException) -> None:
    def breaks() -> Iterator[bytes]:
        yield PDF
        raise error

    with pytest.raises(type(error)):
        take_in(vault, breaks())
    assert everything(vault) == set()


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond `free` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_leaves_nothing_also_where_a_write_takes_a_part(vault: Vault) -> None:
    with full_disk(500), pytest.raises(MediaStoreFailed, match="Free space"):
        store(vault, b"x" * 300, b"x" * 300)
    assert everything(vault) == set()
    assert store(vault, b"x" * 300, b"x" * 300).size_bytes == 600


def spoil_root(vault: Vault) -> None:
    for path in sorted(vault.root.rglob("*"), reverse=True):
        path.rmdir()
    vault.root.rmdir()
    vault.root.write_bytes(b"a file where the folder was")


@pytest.mark.parametrize(
    "use",
    [
        lambda v: store(v, PDF),
        lambda v: v.settle("acme"),
        lambda v: probe(v, ["acme"]),
        lambda v: v.prepare("acme"),
        lambda v: v.remove("acme", KEY, fence=FENCE),
    ],
)
def test_a_media_root_that_is_none_is_said_with_what_to_check(
    vault: Vault, use: Callable[[Vault], object]
) -> None:
    spoil_root(vault)
    with pytest.raises(MediaStoreFailed, match="check the mount"):
        use(vault)


def test_the_probe_needs_no_client_and_leaves_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "new", max_bytes=1)
    probe(vault, ["acme"])
    assert everything(vault) == set()
    with full_disk(2), pytest.raises(MediaStoreFailed):
        probe(vault, ["acme"])
    assert everything(vault) == set()


def test_the_same_file_stored_by_many_threads_at_once_is_always_whole(vault: Vault) -> None:
    bodies = [bytes([65 + number]) * 900 for number in range(8)]
    barrier = threading.Barrier(8)

    def one(body: bytes) -> None:
        for _ in range(5):
            barrier.wait(10)
            store(vault, body[:450], body[450:], length=900)
            assert (vault.root / "acme/P/M").read_bytes() in bodies

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, bodies))
    assert everything(vault) == {"acme/P/M"}


@pytest.mark.parametrize("removed", ["", TEMPORARY, "acme"])
def test_a_folder_that_goes_while_the_process_lives_is_made_again(tmp_path: Path, removed: str) -> None:
    vault = Vault(tmp_path / "media", max_bytes=10)
    vault.prepare("acme")
    shutil.rmtree(tmp_path / "media" / removed)
    vault.prepare("acme")
    vault.take_over("acme", FENCE)
    stored = take_in(vault, [b"abc"], key=MediaKey("p", "m"), length=3)
    assert (tmp_path / "media" / stored.storage_path).read_bytes() == b"abc"
