"""What counts as a change of a profile: what it means, not how it is spelled (architecture.md, decision 6)."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model import FieldMap, Profile
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.spool import Element

TEXT = st.text(st.sampled_from('aÄ🙂\0\ud800/"\\'), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


def digest(payload: str) -> bytes:
    found = read_profile(Element(payload.encode()), FieldMap(), ZoneInfo("UTC"))
    assert isinstance(found, Profile), found
    assert len(found.payload_sha256) == 32
    return found.payload_sha256


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(child) for key, child in reversed(value.items())}
    return [reordered(child) for child in value] if isinstance(value, list) else value


def spelled(value: Any, **how: Any) -> str:
    """JSON with every lone surrogate escaped, since UTF-8 cannot hold one."""
    text = json.dumps(value, **how)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


@settings(max_examples=150, deadline=None)
@given(more=JSON, answers=st.lists(JSON, max_size=3))
def test_spelling_is_no_change(more: Any, answers: list[Any]) -> None:
    value = {"profileId": "P", "steps": [{"answer": each} for each in answers], "more": more}
    plain = digest(json.dumps(value))
    assert digest(spelled(value, ensure_ascii=False, separators=(",", ":"))) == plain
    assert digest(spelled(reordered(value), ensure_ascii=False, indent=3)) == plain
    assert digest(json.dumps(reordered(value), separators=(" ,\r\n", "\t:")).replace("/", "\\/")) == plain


def file(uri: Any, **more: Any) -> dict[str, Any]:
    return {"mediaId": "m", "downloadUri": uri, **more}


def with_uris(uri: Any) -> dict[str, Any]:
    steps = [{"question": "?", "attachments": [file(uri), file(uri, mediaId="n")]}]
    return {"profileId": "P", "cv": file(uri), "profileImage": [file(uri)], "steps": steps}


@pytest.mark.parametrize("uri", ["https://h/m?sig=2", None, "", 7])
def test_another_download_uri_is_no_change_and_is_kept_all_the_same(uri: Any) -> None:
    before, after = (json.dumps(with_uris(each)) for each in ("https://h/m?sig=1", uri))
    assert digest(before) == digest(after) == digest(json.dumps(without_uris(with_uris(uri))))
    found = read_profile(Element(before.encode()), FieldMap(), ZoneInfo("UTC"))
    assert isinstance(found, Profile)
    assert {each.download_uri for each in found.media} == {"https://h/m?sig=1"}


def without_uris(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_uris(child) for key, child in value.items() if key != "downloadUri"}
    return [without_uris(child) for child in value] if isinstance(value, list) else value


BASE: dict[str, Any] = {
    "profileId": "P",
    "utmSource": "a",
    "steps": [{"question": "q", "answer": "a"}, {"question": "r", "answer": ["x", "y"]}],
    "cv": {"mediaId": "m", "fileName": "a.pdf"},
    "custom": {"deep": [1, {"er": None}]},
}


@pytest.mark.parametrize(
    "change",
    [
        {"profileId": "p"},
        {"utmSource": "A"},
        {"utmSource": None},
        {"steps": list(reversed(BASE["steps"]))},
        {"steps": BASE["steps"][:1]},
        {"steps": [{"question": "q", "answer": "a "}, BASE["steps"][1]]},
        {"steps": [BASE["steps"][0], {"question": "r", "answer": ["y", "x"]}]},
        {"steps": [BASE["steps"][0], {"question": "r", "answer": "x, y"}]},
        {"cv": {"mediaId": "n", "fileName": "a.pdf"}},
        {"cv": {"mediaId": "m", "fileName": "b.pdf"}},
        {"cv": None},
        {"custom": {"deep": [1, {"er": 0}]}},
        {"custom": {"deep": [1, {}]}},
        {"custom": {"deep": ["1", {"er": None}]}},
        {"custom": {"deep": [True, {"er": None}]}},
        {"new": None},
        {"custom": {"deep": [1, {"er": None}], "downloadUris": "x"}},
    ],
)
def test_another_meaning_is_a_change(change: dict[str, Any]) -> None:
    assert digest(json.dumps(BASE | change)) != digest(json.dumps(BASE))


def test_texts_that_are_cleaned_to_the_same_are_still_told_apart() -> None:
    spellings = [
        f'{{"profileId":"P","more":"{text}"}}' for text in ("\\u0000", "\\ud800", "\\udfff", "\\ufffd")
    ]
    assert len({digest(each) for each in spellings}) == 4
