"""The access token (contract A1): how it is asked for, how long it is kept, and what a refusal leads to."""

import base64
import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, AuthenticationFailed, BadAnswer
from syncd.pitchyou import PitchYou
from syncd.pitchyou.auth import TokenCache
from syncd.pitchyou.http import Http
from syncd.sandbox import Fault, Sandbox, SandboxConfig
from tests.integration.listener import Heard, Listener, reply
from tests.integration.settling import CONFIRM, LIST, MEDIA, calls, settle
from tests.scene import scene

SECRET = "s:ü %&+=\"'/"


class Clock:
    """Monotonic seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def granting(**fields: Any) -> Any:
    """A server that grants a new token at each request: t1, t2, …"""
    count = iter(range(1, 1000))

    def answers(heard: Heard) -> Iterable[bytes]:
        return [reply(json.dumps({"access_token": f"t{next(count)}", **fields}).encode())]

    return answers


def test_the_request_is_the_client_credentials_grant_of_rfc_6749() -> None:
    with Listener(granting()) as server, PitchYou("acme", SECRET, base_url=server.url) as api:
        api.authenticate()
        (heard,) = server.heard
    assert (heard.method, heard.path) == ("POST", "/token")
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in heard.headers
    fields = dict(parse_qsl(heard.body.decode(), strict_parsing=True))
    assert fields == {"grant_type": "client_credentials", "client_id": "acme", "client_secret": SECRET}


def test_basic_credentials_are_form_encoded_and_stand_in_the_header_alone() -> None:
    with Listener(granting()) as server:
        with PitchYou("acme", SECRET, base_url=server.url, token_auth="basic") as api:
            api.authenticate()
        (heard,) = server.heard
    scheme, packed = heard.headers["authorization"].split()
    assert scheme == "Basic"
    assert base64.b64decode(packed).decode() == f"acme:{quote_plus(SECRET)}"
    assert heard.body == b"grant_type=client_credentials"


def test_a_json_request_holds_the_same_fields() -> None:
    with Listener(granting()) as server:
        with PitchYou("acme", SECRET, base_url=server.url, token_format="json") as api:
            api.authenticate()
        (heard,) = server.heard
    assert heard.headers["content-type"] == "application/json"
    assert json.loads(heard.body)["client_secret"] == SECRET


@pytest.mark.parametrize(
    ("fields", "kept_for"),
    [
        ({"expires_in": 3600}, 2880),  # 20 % early
        ({"expires_in": "3600"}, 2880),
        ({"expires_in": 3600.0}, 2880),
        ({"expires_in": 100}, 70),  # at least 30 s early
        ({"expires_in": 20}, 10),  # but never so early that each call asks anew
        ({}, 240),  # 300 s when nothing is said
        ({"expires_in": None}, 240),
        ({"expires_in": "soon"}, 240),
        ({"expires_in": 0}, 240),
        ({"expires_in": -5}, 240),
        ({"expires_in": [1]}, 240),
        ({"expires_in": "nan"}, 240),
        ({"expires_in": 10**12}, 240),
    ],
)
def test_a_token_is_renewed_early_and_not_before(fields: dict[str, Any], kept_for: float) -> None:
    clock = Clock()
    with Listener(granting(**fields)) as server:
        http = Http(server.url)
        tokens = TokenCache(http, "acme", "s", clock=clock)
        assert tokens.current(Deadline()) == "t1"
        clock.now += kept_for - 0.5
        assert tokens.current(Deadline()) == "t1"
        clock.now += 1
        assert tokens.current(Deadline()) == "t2"
        http.close()


def test_sixteen_threads_ask_for_one_token_together() -> None:
    start = threading.Barrier(16)

    def slowly(heard: Heard) -> Iterable[bytes]:
        if heard.path == "/token":
            time.sleep(0.2)
            return granting(expires_in=3600)(heard)  # type: ignore[no-any-return]  # an Answer, see granting
        return [reply(b"[]")]

    def use(_: int) -> int:
        start.wait(10)
        with api.profiles() as found:
            return len(found)

    with Listener(slowly) as server, PitchYou("acme", "s", base_url=server.url) as api:
        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(use, range(16))) == [0] * 16
        assert len(server.requests("/token")) == 1
        assert len(server.requests(LIST)) == 16


def test_sixteen_threads_with_a_refused_token_refresh_it_once_together() -> None:
    start = threading.Barrier(16)
    with Sandbox(SandboxConfig(profiles=3)) as sandbox:
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:

            def use(_: int) -> int:
                start.wait(10)
                with api.profiles() as found:
                    return len(found)

            api.authenticate()
            sandbox.revoke_tokens()
            with ThreadPoolExecutor(16) as pool:
                assert list(pool.map(use, range(16))) == [3] * 16
        assert len(sandbox.ledger.token_requests) == 2


def test_one_401_in_mid_cycle_costs_one_refresh_and_one_retry(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=10)) as s:
        for path in ("profiles", "media", "confirm"):
            s.sandbox.inject(Fault(path, "status", status=401))
        # One file at a time: if PitchYou accepts the token for another file meanwhile, the 401 counts as the file's own.
        ended = s.cycle(media_concurrency=1)
        assert (ended.error, ended.tally.confirmed) == (None, 10)
        assert [calls(s, path).count(401) for path in (LIST, MEDIA, CONFIRM)] == [1, 1, 1]
        assert len(s.sandbox.ledger.token_requests) == 4
        s.assert_complete()


def test_a_token_that_is_revoked_in_mid_cycle_is_replaced(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=10, after_confirm="stay")) as s:
        settle(s)
        s.sandbox.revoke_tokens()
        s.sandbox.add_profiles(5)
        assert settle(s)[0].error is None
        assert len(s.sandbox.ledger.token_requests) == 2
        s.assert_complete()


def test_a_401_for_ever_fails_the_cycle_with_a_clear_error_after_two_tries(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=4)) as s:
        s.sandbox.inject(Fault("profiles", "status", status=401, times=None))
        ended = s.cycle()
        assert isinstance(ended.error, AuthenticationFailed)
        assert "HTTP 401" in str(ended.error)
        assert "'acme'" in str(ended.error)
        asked = [request.path for request in s.sandbox.ledger.requests if request.status == 401]
        assert len(asked) == 2
        assert len(s.sandbox.ledger.token_requests) == 2
        s.sandbox.clear_faults()
        settle(s)
        s.assert_complete()


def test_a_refused_token_is_not_replaced_again_and_again_for_single_items_until_it_is_old() -> None:
    clock = Clock()
    with Listener(granting(expires_in=3600)) as server:
        http = Http(server.url)
        tokens = TokenCache(http, "acme", "s", clock=clock)
        first = tokens.current(Deadline())
        assert not tokens.is_good(first, clock.now)
        second = tokens.replacement(first, Deadline())
        assert tokens.is_good(second, clock.now)
        clock.now += 61
        assert not tokens.is_good(second, clock.now)  # it may have been revoked meanwhile
        sent_at = clock.now
        clock.now += 1
        tokens.note_accepted(second)
        assert tokens.is_good(second, sent_at)
        assert not tokens.is_good(second, clock.now)
        http.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refused_credentials_fail_the_cycle_with_what_to_check_and_are_not_tried_again(
    status: int, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=2)) as s:
        s.sandbox.inject(Fault("token", "status", status=status, times=None))
        ended = s.cycle()
        assert isinstance(ended.error, AuthenticationFailed)
        assert ended.error.status == status
        for word in ("client_id", "client_secret", "token_auth", "token_format"):
            assert word in str(ended.error)
        assert "sandbox-secret" not in str(ended.error)
        assert [request.path for request in s.sandbox.ledger.requests] == ["/token"]


def test_a_wrong_secret_is_named_without_being_shown() -> None:
    with Sandbox(SandboxConfig(profiles=1)) as sandbox:
        api = PitchYou("acme", "SECRETCANARY", base_url=sandbox.url)
        with api, pytest.raises(AuthenticationFailed) as caught:
            api.authenticate()
        assert "CANARY" not in str(caught.value)
        assert "CANARY" not in repr(api)


def test_an_unavailable_token_endpoint_is_tried_again() -> None:
    with Sandbox(SandboxConfig(profiles=1)) as sandbox:
        sandbox.inject(Fault("token", "status", status=503, retry_after="0"))
        sandbox.inject(Fault("token", "status", status=429, retry_after="0"))
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:
            api.authenticate()
            assert api.retries == 2
    with Sandbox(SandboxConfig(profiles=1)) as sandbox:
        sandbox.inject(Fault("token", "status", status=503, retry_after="0", times=None))
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:
            with pytest.raises(ApiUnavailable):
                api.authenticate()
            assert api.calls == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"token"',
        b"null",
        b"<html>",
        b'{"token":"t"}',
        b'{"access_token":null}',
        b'{"access_token":""}',
        b'{"access_token":17}',
        b'{"access_token":"a b"}',
        b'{"access_token":"a\\r\\nX-Evil: 1"}',
        '{"access_token":"ü"}'.encode(),
        b'{"access_token":"' + b"x" * 100_000 + b'"}',
        b"\xff",
        b"[" * 60_000,
    ],
)
def test_an_answer_without_a_usable_token_is_a_bad_answer_and_never_sent_on(body: bytes) -> None:
    with Listener(lambda heard: [reply(body)]) as server:
        with PitchYou("acme", "s", base_url=server.url) as api, pytest.raises(BadAnswer):
            api.authenticate()
        assert [heard.path for heard in server.heard] == ["/token"]
