"""The client's calls word for word on the wire, and what it makes of each answer (contract S2.1 to S2.3)."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiRefused, ApiUnavailable, DeadlineExceeded, SyncdError
from syncd.model import Profile
from syncd.pitchyou import Gathered, PitchYou
from syncd.pitchyou.auth import TokenCache
from syncd.pitchyou.http import Http
from syncd.sandbox import Fault, Sandbox, SandboxConfig
from tests.integration.listener import Answer, Heard, Listener, reply

TOKEN = reply(b'{"access_token":"t","expires_in":3600}')
SECRET = "sandbox-secret"


def answering(*answers: bytes) -> Answer:
    """A server that gives a token and then these answers, the last one for ever."""
    left = list(answers)

    def answer(heard: Heard) -> Iterable[bytes]:
        if heard.path.endswith("/token"):
            return [TOKEN]
        return [left.pop(0) if len(left) > 1 else left[0]]

    return answer


def file_of(api: PitchYou, profile_id: str = "P", media_id: str = "M") -> bytes:
    """Download a file, also where it makes no difference whose."""
    body = Gathered(1_000_000)
    api.media(profile_id, media_id, body)
    return bytes(body.received)


def calls(server: Listener) -> list[Heard]:
    """What was asked beside the token."""
    return [heard for heard in server.heard if not heard.path.endswith("/token")]


def test_the_client_does_a_whole_transfer_on_its_own() -> None:
    with Sandbox(SandboxConfig(profiles=12, media_per_profile=2, after_confirm="leave")) as sandbox:
        expected = {profile["profileId"]: profile for profile in sandbox.expected()}
        with PitchYou("acme", SECRET, base_url=sandbox.url) as api:
            with api.profiles() as listing:
                assert len(listing) == 12
                profiles = [each for each in listing if isinstance(each, Profile)]
            assert {each.profile_id for each in profiles} == set(expected)
            for each in profiles:
                assert json.loads(each.payload) == expected[each.profile_id]
                for file in each.media:
                    body = file_of(api, each.profile_id, file.media_id)
                    assert body == sandbox.media_bytes(None, each.profile_id, file.media_id)
            api.confirm([each.wire_id for each in profiles])
            with api.profiles() as listing:
                assert list(listing) == []
            assert (api.calls, api.retries) == (4 + sum(len(each.media) for each in profiles), 0)


@pytest.mark.parametrize(
    ("identifier", "segment"),
    [
        ("a1", "a1"),
        ("17", "17"),
        ("a/b", "a%2Fb"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("../../token", "..%2F..%2Ftoken"),
        ("a?x=1#f", "a%3Fx%3D1%23f"),
        ("%2e%2e%2f", "%252e%252e%252f"),
        ("a b+c", "a%20b%2Bc"),
        ("ü🙂", "%C3%BC%F0%9F%99%82"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("http://evil.example/", "http%3A%2F%2Fevil.example%2F"),
        ("@evil.example", "%40evil.example"),
        ("\\\\evil", "%5C%5Cevil"),
        ("a;b&c", "a%3Bb%26c"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/pitchyou/v2"])
def test_an_id_is_one_segment_of_the_path_whatever_it_holds(
    identifier: str, segment: str, prefix: str
) -> None:
    with Listener(answering(reply(b"file"))) as server:
        with PitchYou("acme", "s", base_url=server.url + prefix) as api:
            assert file_of(api, identifier, identifier) == b"file"
        [heard] = calls(server)
        assert heard.path == f"{prefix}/api/media/v1/download/{segment}/{segment}"
        assert "x-evil" not in heard.headers


WIRE_IDS = ['"a1"', "17", '"17"', '"\\u00fc\\""']


@pytest.mark.parametrize(
    ("wrapper", "body"),
    [
        (None, b'["a1",17,"17","\\u00fc\\""]'),
        ("profileIds", b'{"profileIds":["a1",17,"17","\\u00fc\\""]}'),
        ('a"b', b'{"a\\"b":["a1",17,"17","\\u00fc\\""]}'),
    ],
)
def test_a_confirm_is_an_array_of_ids_each_of_its_own_type(wrapper: str | None, body: bytes) -> None:
    with Listener(answering(reply())) as server:
        with PitchYou("acme", "s", base_url=server.url, confirm_wrapper=wrapper) as api:
            api.confirm(WIRE_IDS)
        [heard] = calls(server)
    assert (heard.method, heard.path, heard.body) == ("POST", "/api/applicant/v1/confirm", body)
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    "answer", [reply(), reply(b"true"), reply(b"OK"), reply(b"{}", status="202 Accepted")]
)
def test_any_2xx_accepts_a_confirm_whatever_it_says(answer: bytes) -> None:
    with Listener(answering(answer)) as server, PitchYou("acme", "s", base_url=server.url) as api:
        api.confirm(['"a"'])
        assert (len(calls(server)), api.retries) == (1, 0)


def test_a_web_page_accepts_no_confirm() -> None:
    """A gateway's login page comes with 200; taken for a confirm, it would lose nothing but tell a lie."""
    page = reply(b"<html>", Content_Type="Text/HTML; charset=utf-8")
    with Listener(answering(page, reply())) as server, PitchYou("acme", "s", base_url=server.url) as api:
        api.confirm(['"a"'])
        assert (len(calls(server)), api.retries) == (2, 1)


def test_a_file_is_saved_anew_at_each_attempt_and_only_the_last_one_counts() -> None:
    broken, whole = reply(b"half", length=8), reply(b"complete")
    started: list[int | None] = []

    class Noted(Gathered):
        def begin(self, length: int | None) -> None:
            super().begin(length)
            started.append(length)

    body = Noted(100)
    with Listener(answering(broken, whole)) as server, PitchYou("acme", "s", base_url=server.url) as api:
        api.media("P", "M", body)
    assert started == [8, 8]
    assert bytes(body.received) == b"complete"


@pytest.mark.parametrize(
    ("answer", "error", "attempts"),
    [
        (reply(status="404 Not Found"), ApiRefused, 1),
        (reply(status="410 Gone"), ApiRefused, 1),
        (reply(status="403 Forbidden"), ApiRefused, 1),
        (reply(status="503 Busy", Retry_After="0"), ApiUnavailable, 3),
        (reply(status="429 Slow down", Retry_After="0"), ApiUnavailable, 3),
        (reply(b"half", length=8), ApiUnavailable, 3),
        (reply(b"<html>", Content_Type="text/html"), ApiUnavailable, 3),
        (reply(b"\x1f\x8b", Content_Encoding="gzip"), ApiUnavailable, 3),
    ],
)
def test_no_file_is_made_of_an_answer_that_is_none(
    answer: bytes, error: type[Exception], attempts: int
) -> None:
    with Listener(answering(answer)) as server, PitchYou("acme", "s", base_url=server.url) as api:
        with pytest.raises(error):
            file_of(api)
        assert (len(calls(server)), api.retries) == (attempts, attempts - 1)


def test_what_saving_raises_is_passed_on_and_not_tried_again() -> None:
    class Full(Gathered):
        def write(self, data: bytes) -> None:
            raise SyncdError("the disk is full")

    with Listener(answering(reply(b"file"))) as server, PitchYou("acme", "s", base_url=server.url) as api:
        with pytest.raises(SyncdError, match="disk is full"):
            api.media("P", "M", Full(100))
        assert len(calls(server)) == 1


@pytest.mark.timeout(30)  # a connection that was never given back would be waited for without an end
@pytest.mark.parametrize("kind", ["endless", "gzip_bomb", "slow", "status", "html"])
def test_an_answer_left_in_the_middle_spoils_no_later_one(kind: str) -> None:
    """Connections are kept; one that still has bytes of an earlier answer in it must not be."""
    with (
        Sandbox(SandboxConfig(profiles=5)) as sandbox,
        PitchYou("acme", SECRET, base_url=sandbox.url, max_response_bytes=300_000, connections=1) as api,
    ):
        for _ in range(2):
            sandbox.inject(
                Fault("profiles", kind, status=403 if kind == "status" else None, seconds_per_byte=0.5)
            )
            with pytest.raises(SyncdError), api.profiles(Deadline(0.5)):
                pass
            with api.profiles(Deadline(10)) as listing:
                assert len(listing) == 5


@pytest.mark.parametrize("value", ["²", "٣٣٣٣", "9" * 5000])
def test_a_retry_after_that_is_hardly_a_number_is_no_crash(value: str) -> None:
    refusal = reply(status="503 Busy", Retry_After=value)
    with Listener(answering(refusal)) as server, PitchYou("acme", "s", base_url=server.url) as api:
        api.authenticate()
        # The second, if the wait that was drawn ends right at the deadline.
        with pytest.raises((ApiUnavailable, DeadlineExceeded)), api.profiles(Deadline(0.3)):
            pass


@pytest.mark.parametrize("lifetime", ["9" * 400, '"' + "9" * 400 + '"', "1e999", "true", "{}"])
def test_a_lifetime_that_is_hardly_a_number_is_no_crash(lifetime: str) -> None:
    answer = reply(b'{"access_token":"t","expires_in":' + lifetime.encode() + b"}")
    asked: list[Any] = []

    def answers(heard: Heard) -> Iterable[bytes]:
        asked.append(heard)
        return [answer]

    with Listener(answers) as server:
        http = Http(server.url)
        tokens = TokenCache(http, "acme", "s", clock=lambda: 0.0)
        for _ in range(3):
            assert tokens.current(Deadline(5)) == "t"
        http.close()
    assert len(asked) == 1
