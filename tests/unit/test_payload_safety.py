"""Whatever a profile holds, it is read or set aside, nothing of it is lost, and nothing in it harms Postgres (faults.md)."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncd.model import BadProfile
from tests.unit.test_payloads import profile, read

HARMFUL = st.text(st.sampled_from('aÄ🙂\0\ud83d\ude42\ufffd" \\'), max_size=4)
KEYS = HARMFUL | st.sampled_from(
    ["profileId", "steps", "cv", "mediaId", "attachments", "question", "answer", "createdAt", "email"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HARMFUL | st.just("2026-03-01"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


def texts(value: Any) -> list[str]:
    """Every text in a value, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*map(str, value), *(text for child in value.values() for text in texts(child))]
    if isinstance(value, list | tuple):
        return [text for child in value for text in texts(child)]
    return []


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {"profileId": st.text("a\0\ud800", min_size=1, max_size=3) | st.integers()},
        optional={
            "steps": st.lists(st.dictionaries(KEYS, JSON, max_size=3), max_size=3) | JSON,
            "cv": JSON,
            "utmSource": HARMFUL,
            "more": JSON,
        },
    )
    | JSON
)
def test_whatever_json_comes_is_read_or_set_aside_and_fit_for_postgres(value: Any) -> None:
    found = read(value)
    if isinstance(found, BadProfile):
        held: list[Any] = [found.profile_id, found.reason]
        assert len(found.fingerprint) == 32
    else:
        held = [found.profile_id, found.wire_id, found.utm_source, found.applied_at_raw, found.contact.extra]
        held += [found.contact.email, found.language]
        held += [[a.question, a.answer, a.answer_json, a.extra] for a in found.answers]
        held += [[m.media_id, m.file_name, m.mime_type, m.download_uri] for m in found.media]
        assert {a.media_id for a in found.attachments} == {m.media_id for m in found.media}
        assert json.loads(found.wire_id) == value["profileId"]
    for text in texts(held):
        assert "\0" not in text
        text.encode()  # a lone surrogate would raise
    assert found.payload == json.dumps(value).encode()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30))
def test_whatever_bytes_come_are_read_or_set_aside(payload: bytes) -> None:
    found = read(payload)
    assert isinstance(found, BadProfile)
    assert (found.payload, found.profile_id) == (payload, None)


@settings(max_examples=300, deadline=None)
@given(st.text('"\\:,{}q1\n \xff', max_size=8), st.text('"\\:,{}[]q1', max_size=6))
@example('"\\q"', "")
@example('"\\ud800"', " x")
@example("9" * 500, "")
def test_whatever_stands_for_an_id_in_broken_json_is_no_crash(identifier: str, rest: str) -> None:
    payload = f'{{"profileId":{identifier}{rest}'.encode("latin-1")
    found = read(payload)
    assert found.payload == payload
    (found.profile_id or "").encode()


@settings(max_examples=100, deadline=None)
@given(
    values=st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text("äb"), max_size=4),
    step=st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text("äb"), max_size=4),
)
def test_what_no_field_names_is_kept_beside_the_rest(values: dict[str, Any], step: dict[str, Any]) -> None:
    found = profile(**values, steps=[{"question": "?", "answer": "!", "attachments": [], **step}])
    assert found.contact.extra == values
    assert found.answers[0].extra == step
