"""The list answer is one whole array or refused, and is cut exactly as a JSON parser would (contract S2.1, faults.md)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import BadAnswer
from syncd.pitchyou import json_array
from syncd.pitchyou import spool as module
from syncd.pitchyou.spool import Element
from tests.taking_in import taken_in

LIMIT = 64 * 1024 * 1024


def cut(*chunks: bytes, **given: Any) -> list[Element]:
    with taken_in(chunks, **{"max_bytes": LIMIT, **given}) as elements:
        found = list(elements)
        assert len(elements) == len(found)
        return found


def payloads(*chunks: bytes, **given: Any) -> list[bytes]:
    return [element.payload for element in cut(*chunks, **given)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
SPELLINGS = st.sampled_from(
    [
        {"ensure_ascii": False},
        {"ensure_ascii": True, "separators": (",", ":")},
        {"ensure_ascii": True, "indent": 2},
        {"ensure_ascii": False, "separators": (" \r\n,\t", "\n: ")},
    ]
)


@settings(max_examples=250, deadline=None)
@given(
    values=st.lists(JSON, max_size=6),
    spelling=SPELLINGS,
    window=st.integers(min_value=3, max_value=70),  # 3 holds a byte order mark
    frame=st.tuples(st.sampled_from(["", "\ufeff", "\ufeff\n", " \t"]), st.sampled_from(["", "\n \n"])),
    pieces=st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=5),
)
def test_elements_are_those_of_the_json_module_whatever_the_spelling_and_the_windows(
    values: list[Any], spelling: dict[str, Any], window: int, frame: tuple[str, str], pieces: list[int]
) -> None:
    text = json.dumps(values, **spelling)
    body = (frame[0] + text + frame[1]).encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "WINDOW", window)
        found = payloads(*chunked(body, pieces))
    assert [json.loads(each) for each in reversed(found)] == values
    assert all(each in body for each in found)


def chunked(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    at, turn = 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        yield body[at : at + size]
        at, turn = at + size, turn + 1


@settings(max_examples=300, deadline=None)
@given(
    body=st.text(alphabet='[]{},:"\\ 1a\n', max_size=24).map(lambda text: f"[{text}".encode()),
    window=st.integers(min_value=1, max_value=8),
)
def test_no_valid_array_is_refused_and_no_window_changes_the_cut(body: bytes, window: int) -> None:
    """Near-JSON. What json accepts is cut into the same elements; the rest is refused or cut, never a crash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "WINDOW", window)
        narrow = outcome(body)
    assert narrow == outcome(body)
    try:
        values = json.loads(body)
    except ValueError:
        return
    assert [json.loads(each) for each in reversed(narrow)] == values


def outcome(body: bytes) -> list[bytes]:
    try:
        return payloads(body)
    except BadAnswer as error:
        return [b"refused: " + str(error).encode()]


@settings(max_examples=60, deadline=None)
@given(values=st.lists(JSON, min_size=1, max_size=4), data=st.data())
def test_a_list_cut_off_anywhere_is_refused(values: list[Any], data: st.DataObject) -> None:
    body = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")
    end = data.draw(st.integers(min_value=0, max_value=len(body) - 1))
    with pytest.raises(BadAnswer, match=r"truncated|empty"):
        cut(body[:end])


def test_elements_come_last_first_with_their_exact_bytes() -> None:
    body = b' [ {"profileId" : "a"} ,\n{"profileId":"\\u00e4"}\t, "x", 1.50, null ] '
    assert payloads(body) == [b"null", b"1.50", b'"x"', b'{"profileId":"\\u00e4"}', b'{"profileId" : "a"}']


@pytest.mark.parametrize("body", [b"[]", b" [ \r\n\t ] ", b"\xef\xbb\xbf[]"])
def test_an_empty_array_has_no_elements(body: bytes) -> None:
    assert payloads(body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b'{"profiles":[]}', "an object"),
        (b"<!doctype html>", "a web page"),
        (b"null", "something else"),
        (b'"[]"', "something else"),
        (b"\xff\xfe[\x00]\x00", "something else"),
        (b"[", "truncated"),
        (b'["]', "truncated"),
        (b'["\\', "truncated"),
        (b'["\\"]', "truncated"),
        (b"[[1]", "truncated"),
        (b"[1,]", "an element is missing"),
        (b"[,1]", "an element is missing"),
        (b"[1,,2]", "an element is missing"),
        (b"[ , ]", "an element is missing"),
        (b"[1}", "not valid JSON"),
        (b"[]]", "after its end"),
        (b"[1] {}", "after its end"),
        (b"[1]\0", "after its end"),
    ],
)
def test_what_is_not_one_whole_array_is_refused_with_what_it_is(body: bytes, said: str) -> None:
    for window in (1, 2, 3, json_array.WINDOW):
        if window < 3 and body.startswith(b"\xef\xbb\xbf"):
            continue
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_array, "WINDOW", window)
            with pytest.raises(BadAnswer, match=said):
                cut(body)


def test_brackets_commas_and_quotes_inside_strings_cut_nothing() -> None:
    texts = ["]", "[,", '"', '\\"', "\\", "}{", '\\\\",[', "\u2028"]
    body = json.dumps([{text: text} for text in texts]).encode()
    for window in range(1, 12):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_array, "WINDOW", window)
            assert [json.loads(each) for each in reversed(payloads(body))] == [{each: each} for each in texts]


def test_one_element_that_is_broken_inside_costs_no_other_one() -> None:
    body = b'[{"a":1},{"a" 1 nonsense},{"profileId":{"a":1]},{"b":2}]'
    found = payloads(body)
    assert found == [b'{"b":2}', b'{"profileId":{"a":1]}', b'{"a" 1 nonsense}', b'{"a":1}']


@pytest.mark.parametrize(("levels", "trouble"), [(99, None), (100, "nested deeper than 100 levels")])
def test_too_deep_nesting_is_noticed_without_decoding(levels: int, trouble: str | None) -> None:
    deep = b"[" * levels + b"]" * levels
    first, middle, last = cut(b"[1," + deep + b",2]")
    assert (first.trouble, last.trouble) == (None, None)
    assert (middle.payload, middle.trouble) == (deep, trouble)


def test_an_element_over_the_limit_is_kept_in_part_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ELEMENT", 100)
    monkeypatch.setattr(module, "KEPT_OF_OVERSIZE", 10)
    large = b'"' + b"x" * 99 + b'"'
    after, oversize, before = cut(b"[1," + large + b",2]")
    assert (before.payload, before.trouble, after.payload, after.trouble) == (b"1", None, b"2", None)
    assert (oversize.payload, oversize.trouble) == (
        large[:10],
        "a profile of 101 bytes; the first 10 were kept",
    )
