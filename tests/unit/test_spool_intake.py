"""How the list answer is taken in: every limit holds, and nothing stays open or on disk (contract S2.1, faults.md)."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from syncd.errors import ApiUnavailable, BadAnswer, SyncdError
from syncd.pitchyou import json_array
from syncd.pitchyou import spool as module
from tests.taking_in import taken_in
from tests.unit.test_spool import LIMIT, chunked, cut, payloads


def test_the_limit_counts_what_came_whether_it_was_announced_or_not() -> None:
    body = b"[" + b" " * 98 + b"]"
    assert payloads(body, max_bytes=100) == []
    for announced in ({}, {"length": None}, {"length": 5}):
        with pytest.raises(BadAnswer, match=r"longer than sync\.max_response_bytes \(99\)"):
            cut(body, max_bytes=99, **announced)


def test_a_list_that_is_announced_too_long_is_not_read_at_all() -> None:
    def unread() -> Iterator[bytes]:
        raise AssertionError("a chunk was asked for")
        yield b""

    with pytest.raises(BadAnswer, match="has 101 bytes"):
        taken_in(unread(), max_bytes=100, length=101)


def test_an_endless_list_is_left_at_the_limit() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b"["
        while True:
            read += 1000
            yield b"1," * 500

    with pytest.raises(BadAnswer, match="max_response_bytes"):
        taken_in(endless(), max_bytes=1_000_000)
    assert read <= 1_001_000


def test_many_tiny_elements_are_refused_before_their_places_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_array, "MAX_ELEMENTS", 1000)
    assert len(cut(b"[" + b",".join([b"0"] * 1000) + b"]")) == 1000
    with pytest.raises(BadAnswer, match="more than 1000 profiles"):
        cut(b"[" + b",".join([b"0"] * 1001) + b"]")


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_compressed_list_is_unpacked_whatever_its_chunks(encoding: str) -> None:
    values = [{"profileId": number, "text": "ü" * 3000} for number in range(300)]
    packed = COMPRESSED[encoding](json.dumps(values).encode())
    for size in (1, 7, 1000, len(packed)):
        found = payloads(*chunked(packed, [size]), encoding=f" {encoding.upper()} ")
        assert [json.loads(each) for each in reversed(found)] == values


def bomb(chunk: bytes, times: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(b"["), *(packer.compress(chunk) for _ in range(times)), packer.flush()])


def endless_behind(body: bytes, read: list[int]) -> Iterator[bytes]:
    yield body
    while True:
        read.append(1_000_000)
        yield b"\0" * 1_000_000


def test_a_bomb_meets_the_limit_and_not_the_memory() -> None:
    packed = bomb(b" " * 1_000_000, 100)
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="max_response_bytes"):
            taken_in([packed], max_bytes=8_000_000, encoding="gzip")
        with pytest.raises(ApiUnavailable, match="200-fold"):
            taken_in([packed], max_bytes=80_000_000, encoding="gzip")
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_bytes_behind_a_compressed_list_are_refused_and_not_gathered(
    pack: Callable[[bytes], bytes],
) -> None:
    read: list[int] = []
    with pytest.raises(ApiUnavailable, match="goes on after its end"):
        taken_in(endless_behind(pack(b"[]"), read), max_bytes=1000, encoding="gzip")
    assert len(read) <= 1
    with pytest.raises(ApiUnavailable, match="goes on after its end"):
        taken_in([pack(b"[]") + pack(b"[]")], max_bytes=1000, encoding="gzip")


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (gzip.compress(b"[]", mtime=0)[:-1], "gzip", "truncated"),
        (gzip.compress(b"[]", mtime=0)[:-1] + b"!", "gzip", "damaged"),
        (b"[]", "gzip", "damaged"),
        (b"", "gzip", "truncated"),
        (b"[]", "br", "cannot decode"),
    ],
)
def test_what_is_not_compressed_as_it_says_is_refused(body: bytes, encoding: str, said: str) -> None:
    with pytest.raises(ApiUnavailable, match=said) as caught:
        cut(body, encoding=encoding)
    assert caught.value.kind == "compressed"


def temporary_files(folder: Path) -> list[str]:
    """What this process holds open below the folder; files without a name end with `(deleted)`."""
    targets = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own descriptor is gone by now
            targets.append(str(entry.readlink()))
    return [target for target in targets if target.startswith(str(folder))]


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(module, "MEMORY_LIMIT", 1000)
    return tmp_path


def test_a_long_list_lies_in_a_file_without_a_name_until_it_is_closed(temporary_folder: Path) -> None:
    with taken_in([b"[" + b" " * 2000, b'"x"]'], max_bytes=LIMIT) as elements:
        [held] = temporary_files(temporary_folder)
        assert held.endswith("(deleted)")
        assert list(temporary_folder.iterdir()) == []
        assert [each.payload for each in elements] == [b'"x"']
    assert temporary_files(temporary_folder) == []


@pytest.mark.parametrize("ending", [b"", b"}"])
def test_a_refused_list_leaves_no_file_open(ending: bytes, temporary_folder: Path) -> None:
    with pytest.raises(BadAnswer):
        taken_in([b"[" + b" " * 2000, ending], max_bytes=LIMIT)
    assert temporary_files(temporary_folder) == []


def test_a_connection_that_breaks_leaves_no_file_open(temporary_folder: Path) -> None:
    def breaks() -> Iterable[bytes]:
        yield b"[" + b" " * 2000
        assert len(temporary_files(temporary_folder)) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taken_in(breaks(), max_bytes=LIMIT)
    assert temporary_files(temporary_folder) == []


def test_a_folder_for_temporary_files_that_cannot_be_written_is_said(
    temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary_folder / "missing"))
    with pytest.raises(SyncdError, match="TMPDIR") as caught:
        taken_in([b"[" + b" " * 2000 + b"]"], max_bytes=LIMIT)
    assert not isinstance(caught.value, BadAnswer)  # it is not PitchYou's fault
