"""Redaction: only known keys with fitting values, on one line, without credentials."""

from __future__ import annotations

import uuid
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.logs import ALLOWED_KEYS, get_logger, scrub
from tests.unit.log_lines import CANARY, FORMATS, lines, one


def test_a_key_that_is_not_on_the_list_loses_its_value_and_is_named() -> None:
    event = one(
        lambda log: log.info("landed", seen=3, phone=CANARY, file_name=CANARY, **{f"Ihr Name, {CANARY}?": 1})
    )
    assert event["seen"] == 3
    assert event["dropped_keys"] == ["?", "file_name", "phone"]
    assert CANARY not in str(event)


@pytest.mark.parametrize("log_format", FORMATS)
@given(
    event=st.dictionaries(
        st.sampled_from(["name", "answer", "payload", "token", CANARY]), st.text() | st.binary()
    ),
    value=st.recursive(
        st.text() | st.floats() | st.integers() | st.none() | st.binary() | st.datetimes() | st.uuids(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    key=st.sampled_from(sorted(ALLOWED_KEYS)),
)
def test_any_value_makes_one_printable_line_and_no_error(
    log_format: str, event: dict[str, object], value: object, key: str
) -> None:
    event = {name: f"{CANARY}{content!r}" for name, content in event.items() if name != CANARY}
    written = lines(log_format, "debug", lambda log: log.info("landed", **event, **{key: value}))
    (line,) = written
    assert line.isprintable()
    assert CANARY not in line
    assert len(line) < 20_000


@pytest.mark.parametrize("key", ["seen", "outcome"])
@pytest.mark.parametrize(
    "value", [f"ich heiße {CANARY}", {"name": CANARY}, [f"a {CANARY}"], CANARY.encode(), object()]
)
def test_a_value_that_does_not_fit_its_key_is_replaced(key: str, value: object) -> None:
    event = one(lambda log: log.info("landed", **{key: value}))
    assert event[key] in ("[redacted]", ["[redacted]"])


def test_values_that_fit_are_written_as_they_are() -> None:
    fields: dict[str, object] = {
        "client_id": "acme",
        "profile_id": 17,
        "error": "http_404",
        "cycle_id": 5,
        "seconds": 0.25,
        "seen": True,
        "reason": "steps[3] is not an object",
        "sqlstate": "40P01",
        "media_id": None,
    }
    event = one(lambda log: log.info("cycle_finished", **fields))
    assert {key: event[key] for key in fields} == fields
    assert "dropped_keys" not in event


@pytest.mark.parametrize("log_format", FORMATS)
def test_an_id_cannot_forge_a_line_or_move_the_cursor(log_format: str) -> None:
    hostile = 'x\n{"event": "forged"}\r\x1b[2K\u2028\u202e\x00' + "y" * 5000
    (line,) = lines(log_format, "info", lambda log: log.info("landed", profile_id=hostile))
    assert line.isprintable()
    assert len(line) < 600


def test_an_event_that_is_a_sentence_is_not_written() -> None:
    sentence: Any = f"landed {CANARY}"
    assert one(lambda log: log.info(sentence))["event"] == "unnamed_event"
    with pytest.raises(TypeError):
        cast(Any, get_logger("x")).info("landed %s", CANARY)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization=Basic {CANARY}==",
        f"https://api.example/path?token={CANARY}&x=1",
        f"/api/path?name={CANARY}",
        f"postgresql://user:{CANARY}@db/ats",
        f"https://chat.pitchyou.de/{CANARY}",
        f"https://test.pitchyou.chat/{CANARY}/x",
        f'{{"client_secret": "{CANARY}"}}',
        f"access_token={CANARY}",
        f"eyJ{CANARY}.{CANARY}.{CANARY}",
        f"write to {CANARY}@example.org now",
    ],
)
def test_a_sentence_of_our_own_is_scrubbed_of_credentials_and_addresses(text: str) -> None:
    assert CANARY not in scrub(text)
    assert "[redacted]" in scrub(text)


def test_scrubbing_leaves_ids_and_plain_sentences_alone() -> None:
    for text in (
        f"profile {uuid.UUID(int=2**120)}: step 3 is not an object",
        "media.root: /var/lib/syncd/media is not a folder; run: chown syncd /var/lib/syncd/media",
        "the token was refused (401) by https://api.pitchyou.de/token",
    ):
        assert scrub(text) == text
    assert "491701234567" not in scrub("call +491701234567 or +49 170 1234567")
