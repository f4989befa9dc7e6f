"""The chat token is somebody else's text that becomes part of an address: it is checked before."""

import pytest

from syncd.errors import BadAnswer, BadInput
from syncd.pitchyou.chat import chat_request, chat_url, read_chat_token


@pytest.mark.parametrize(
    "body",
    [
        b'"abc.DEF-123_~"',
        b"abc.DEF-123_~",
        b'  "abc.DEF-123_~"\r\n',
        b"abc.DEF-123_~\n",
        b'" abc.DEF-123_~ "',
    ],
)
def test_a_token_comes_as_json_or_plain_and_is_trimmed(body: bytes) -> None:
    assert read_chat_token(body) == "abc.DEF-123_~"


@pytest.mark.parametrize(
    "token",
    [
        "", "abc", "a/b/c/d", "../../x", "....", "https://evil.example", "javascript:alert(1)", "ab cd", "ab\tcd", "ab\ncd",
        "ab?cd", "ab#cd", "ab%2Fcd", "ab\\cd", "<script>", 'abc"def', "äbcd", "ab\u202ecd", "ab\0cd", "a" * 2049, '{"token":"abcd"}',
        '["abcd"]', "null", "true", "false", "@evil", "ab;cd", "ab&cd",
    ],
)  # fmt: skip
def test_what_cannot_be_one_plain_path_segment_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read_chat_token(token.encode())
    if len(token) > 3:
        assert token not in str(caught.value)


@pytest.mark.parametrize("body", [b'"abc', b'"abcd" x', b"\xff\xfe\xfd\xfc", b'"ab\\ud800cd"'])
def test_a_broken_answer_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_chat_token(body)


def test_the_request_keeps_the_type_of_the_id_and_leaves_out_a_name_that_is_not_there() -> None:
    assert chat_request("17", None, "json") == (b'{"profileId": 17}', "application/json")
    assert chat_request('"17"', "Frau Jäger", "form") == (
        b"profileId=17&recruiterName=Frau+J%C3%A4ger",
        "application/x-www-form-urlencoded",
    )


def test_the_address_is_the_token_below_the_chat() -> None:
    assert chat_url("abcd") == "https://chat.pitchyou.de/abcd"
    assert chat_url("abcd", "https://test.pitchyou.chat/") == "https://test.pitchyou.chat/abcd"


@pytest.mark.parametrize("token", ["", "a/b/c", "//evil.example", "abc?d", "\u202eabcd"])
def test_an_address_is_made_of_no_other_token(token: str) -> None:
    with pytest.raises(BadInput):
        chat_url(token)


@pytest.mark.parametrize(
    ("wire_id", "name"), [("P-100", None), ("", None), ('"a"', "a\r\nb"), ('"a"', "x" * 101)]
)
def test_a_request_that_cannot_be_made_is_refused(wire_id: str, name: str | None) -> None:
    with pytest.raises(BadInput):
        chat_request(wire_id, name, "json")
