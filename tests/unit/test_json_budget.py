"""No shape of a list keeps a core busy, and a profile that holds too much is told by its bytes, before it is decoded."""

from __future__ import annotations

import io
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.deadline import Deadline
from syncd.errors import BadAnswer, Stopped
from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou import budget, json_array
from syncd.pitchyou.json_array import cut, nested_too_deeply
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.spool import element_of

SIZE = 3_000_000
DEEP = b"[" * 100 + b"]" * 100


def repeated(part: bytes) -> bytes:
    return part * (SIZE // len(part))


SHAPES = {
    "brackets in one element": b"[[[" + repeated(b"[],") + b"[]]]]",
    "empty objects as steps": b'[{"profileId":"P","steps":[' + repeated(b"{},") + b"{}]}]",
    "strings in one element": b"[[" + repeated(b'"",') + b"0]]",
    "brackets in strings": b"[[" + repeated(b'"[",') + b"0]]",
    "escapes in strings": b"[[" + repeated(b'"\\"[",') + b"0]]",
    "deep ones in one element": b"[[" + repeated(DEEP + b",") + b"0]]",
    "very deep": b"[" + b"[" * (SIZE // 2) + b"]" * (SIZE // 2) + b"]",
    "a comb": b"[" + b"[[]" * (SIZE // 4) + b"]" * (SIZE // 4) + b"]",
    "elements of some size": b"[" + repeated(b"[" + b"{}," * 5000 + b"0],") + b"0]",
    "deep elements": b"[" + repeated(DEEP + b",") + b"0]",
    "tiny elements": b"[" + repeated(b"0,") + b"0]",
    "tiny lists": b"[" + repeated(b"[],") + b"0]",
    "never closed": b"[" + repeated(b"["),
    "closed too often": b"[[" + repeated(b"]"),
    "a string without end": b'["' + repeated(b"a"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_takes_more_steps_than_its_length_allows(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "FREE_STEPS", 20_000)
    checks: list[None] = []
    cutter = json_array._Cutter(io.BytesIO(SHAPES[shape]), lambda: checks.append(None))
    with suppress(BadAnswer):
        cutter.cut()
    read = cutter.base + len(cutter.window)
    # One window may pass before it is noticed.
    assert cutter.steps <= 20_000 + read / 32 + 2 * json_array.WINDOW
    assert len(checks) >= read // json_array.WINDOW


def test_whoever_waits_is_asked_once_for_each_window_and_may_end_it() -> None:
    class Stop:
        left = 3

        def is_set(self) -> bool:
            self.left -= 1
            return self.left == 0

    with pytest.raises(Stopped):
        cut(io.BytesIO(SHAPES["brackets in one element"]), Deadline(60, stop=Stop()).check)  # type: ignore[arg-type]


@settings(max_examples=400, deadline=None)
@given(
    body=st.text(alphabet='[]{},"\\1', max_size=60).map(lambda text: f"[{text}]".encode()),
    blocks=st.sampled_from([(2,), (8, 4), (16, 3)]),
    dense=st.sampled_from([0, 8, 1000]),
)
def test_passing_blocks_changes_nothing_of_the_cut(body: bytes, blocks: tuple[int, ...], dense: int) -> None:
    def result() -> list[int] | str:
        try:
            return list(cut(io.BytesIO(body)))
        except BadAnswer as error:
            return str(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "BLOCKS", (10**9,))
        patch.setattr(json_array, "DENSE", 0)
        expected = result()
        patch.setattr(json_array, "BLOCKS", blocks)
        patch.setattr(json_array, "DENSE", dense)
        assert result() == expected


@pytest.mark.parametrize("kind", [b"[]", b"{}"])
@pytest.mark.parametrize("levels", [98, 99, 100, 3000])
def test_depth_is_told_exactly(levels: int, kind: bytes) -> None:
    inner = b",".join([b'"[[[\\"[["'] * 200)
    element = kind[:1] * levels + inner + kind[1:] * levels
    assert nested_too_deeply(element) is (levels > 99)


def read(payload: bytes) -> Profile | BadProfile:
    return read_profile(element_of(payload), FieldMap(), ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"profileId":"P","steps":[' + b"{}," * 100_000 + b"{}]}", "more than 100000 values"),
        (b'{"profileId":"P","x":[' + b"[]," * 100_000 + b"[]]}", "more than 100000 values"),
        (b'{"profileId":"P","steps":[{"answer":[' + b"1," * 100_000 + b"1]}]}", "more than 100000 values"),
        (b'{"profileId":"P","steps":[' + b"{}," * 10_000 + b"{}]}", "more than 10000 steps"),
        (
            b'{"profileId":"P","steps":[{"attachments":[' + b",".join([b'{"mediaId":"m"}'] * 1001) + b"]}]}",
            "more than 1000 files",
        ),
        (
            b'{"profileId":"P","steps":[{"attachments":['
            + b",".join([b'{"media\\u0049d":"m"}'] * 1001)
            + b"]}]}",
            "more than 1000 files",
        ),
    ],
)
def test_profile_that_holds_too_much_is_bad_with_its_id_and_all_of_its_bytes(
    payload: bytes, reason: str
) -> None:
    found = read(payload)
    assert isinstance(found, BadProfile)
    assert (found.profile_id, found.reason, found.payload) == ("P", reason, payload)


def test_long_text_full_of_commas_and_brackets_is_an_answer_like_any_other() -> None:
    text = b'[one],{two}, \\"three\\",' * 50_000
    found = read(b'{"profileId":"P","steps":[{"answer":"%s"}]}' % text)
    assert isinstance(found, Profile)


@pytest.mark.parametrize(
    ("character", "megabytes", "fits"),
    [
        (b"y", 15, True),
        (b"\\u00e4", 15, True),
        ("ä".encode(), 15, True),
        ("ä€".encode(), 7, True),
        ("ä€".encode(), 9, False),
        (b"\\u20ac", 9, False),
        ("y😀".encode(), 3, True),
        ("y😀".encode(), 5, False),
        (b"\\ud83d\\ude00", 5, False),
    ],
)
def test_text_of_wide_characters_is_limited_by_the_memory_that_it_takes(
    character: bytes, megabytes: int, fits: bool
) -> None:
    text = character * (megabytes * 1_000_000 // len(character))
    reason = budget.excess(b'{"profileId":"P","steps":[{"answer":"%b"}]}' % text)
    assert (reason is None) is fits


def test_nothing_of_what_holds_too_much_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(payload: bytes, *rest: object) -> None:
        assert budget.is_small(payload), "decoded"

    monkeypatch.setattr("syncd.pitchyou.payloads.decode", decoded)
    monkeypatch.setattr("syncd.pitchyou.payloads.decode_leniently", decoded)
    found = read(b'{"steps":[' + b"{}," * 100_000 + b'{}],"profileId":"P"}')
    assert isinstance(found, BadProfile)
    assert found.profile_id is None
