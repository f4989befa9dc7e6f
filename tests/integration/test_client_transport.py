"""The client on the wire: every exchange ends, and all of them keep one pace (contract "rate limits", faults.md)."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiUnavailable, DeadlineExceeded, Stopped
from syncd.pitchyou import Gathered, PitchYou
from syncd.pitchyou.http import Http
from syncd.sandbox import Fault, Sandbox, SandboxConfig
from tests.integration.listener import Heard, Listener, reply
from tests.integration.settling import IMPATIENT
from tests.integration.test_faults_list import TOKEN_ANSWER


def use_list(api: PitchYou, deadline: Deadline | None = None) -> None:
    with api.profiles(deadline) as found:
        list(found)


def use_media(api: PitchYou, deadline: Deadline | None = None) -> None:
    api.media("P", "M", Gathered(10**6), deadline)


def size_of(api: PitchYou, key: tuple[str, str]) -> int:
    body = Gathered(10**7)
    api.media(*key, body)
    return len(body.received)


def body_of(http: Http) -> bytes:
    body = Gathered(10**6)
    http.send("GET", "/", deadline=Deadline(60), sink=body)
    return bytes(body.received)


def use_confirm(api: PitchYou, deadline: Deadline | None = None) -> None:
    api.confirm(['"P"'], deadline)


def use_token(api: PitchYou, deadline: Deadline | None = None) -> None:
    api.authenticate(deadline)


CALLS: dict[str, Callable[[PitchYou, Deadline | None], None]] = {
    "token": use_token,
    "profiles": use_list,
    "media": use_media,
    "confirm": use_confirm,
}


DRIPS = {
    "headers": (b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x"),
    "body": (reply(length=10**9), b" "),
    "chunked body": (reply(length=-1, Transfer_Encoding="chunked"), b"1\r\n \r\n"),
    "length of a chunk": (reply(length=-1, Transfer_Encoding="chunked") + b"1;", b"x"),
    "body without a length": (reply(length=-1), b" "),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("part", DRIPS)
def test_an_answer_that_drips_for_ever_is_ended_by_its_own_limits(part: str) -> None:
    """Each byte comes well within every timeout; the exchange ends all the same, long before its deadline."""

    def drip(heard: Heard) -> Iterable[bytes]:
        head, byte = DRIPS[part]
        yield head
        while not server.stopping.wait(0.02):
            yield byte

    with Listener(drip) as server, closing(Http(server.url, limits=IMPATIENT)) as http:
        started = time.monotonic()
        with pytest.raises(ApiUnavailable) as caught:
            body_of(http)
        assert caught.value.kind == "timeout"
        assert time.monotonic() - started < 3


def test_a_body_that_keeps_the_minimum_rate_may_take_its_time() -> None:
    def steady(heard: Heard) -> Iterable[bytes]:
        yield reply(length=20_000)
        for _ in range(20):
            yield b"x" * 1000
            server.stopping.wait(0.05)

    with (
        Listener(steady) as server,
        closing(Http(server.url, limits=IMPATIENT)) as http,
    ):
        assert len(body_of(http)) == 20_000


def test_a_server_that_thinks_long_and_then_answers_at_once_is_not_too_slow() -> None:
    def thoughtful(heard: Heard) -> Iterable[bytes]:
        server.stopping.wait(0.6)
        yield reply(b"x" * 100, length=200)
        server.stopping.wait(0.6)
        yield b"y" * 100

    limits = replace(IMPATIENT, minimum_rate=100)
    with (
        Listener(thoughtful) as server,
        closing(Http(server.url, limits=limits)) as http,
    ):
        assert len(body_of(http)) == 200


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["hang", "endless_headers"])
def test_the_deadline_ends_an_exchange_in_the_middle(call: str, kind: str) -> None:
    with Sandbox(SandboxConfig(profiles=1)) as sandbox:
        sandbox.inject(Fault(call, kind, seconds_per_byte=0.05, times=None))
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:
            started = time.monotonic()
            with pytest.raises((DeadlineExceeded, ApiUnavailable)):
                CALLS[call](api, Deadline(0.5))
            assert time.monotonic() - started < 2.5


@pytest.mark.parametrize("call", CALLS)
def test_a_stop_ends_an_exchange_within_seconds(call: str) -> None:
    stop = threading.Event()
    with Sandbox(SandboxConfig(profiles=1)) as sandbox:
        sandbox.inject(Fault(call, "hang", times=None))
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url) as api:
            timer = threading.Timer(0.3, stop.set)
            timer.start()
            started = time.monotonic()
            with pytest.raises(Stopped):
                CALLS[call](api, Deadline(60, stop=stop))
            assert time.monotonic() - started < 2.5
            timer.join()


def test_a_port_where_nobody_listens_is_unavailable_and_says_what_to_check() -> None:
    with Listener() as server:
        url = server.url
    with PitchYou("acme", "s", base_url=url) as api:
        with pytest.raises(ApiUnavailable, match="base_url"):
            use_list(api)
        assert api.retries == 3  # the token's; they are not multiplied by those of the list


def test_requests_are_spaced_to_the_configured_rate_across_threads() -> None:
    times: list[float] = []

    def answers(heard: Heard) -> Iterable[bytes]:
        times.append(time.monotonic())
        return [TOKEN_ANSWER if heard.path == "/token" else reply(b"[]")]

    with (
        Listener(answers) as server,
        PitchYou("acme", "s", base_url=server.url, max_requests_per_second=20) as api,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: use_list(api), range(15)))
    assert len(times) == 16
    assert max(times) - min(times) >= 15 / 20 - 0.1


def test_requests_at_a_time_are_never_more_than_the_pool_has() -> None:
    with Sandbox(SandboxConfig(profiles=30)) as sandbox:
        keys: list[tuple[str, str]] = [
            (profile["profileId"], entry["mediaId"])
            for profile in sandbox.expected()
            for entry in files(profile)
        ]
        with PitchYou("acme", "sandbox-secret", base_url=sandbox.url, connections=3) as api:
            with ThreadPoolExecutor(12) as pool:
                sizes = list(pool.map(lambda key: size_of(api, key), keys))
            assert sizes == [len(sandbox.media_bytes(None, *key)) for key in keys]
            assert len(sizes) >= 20
        assert sandbox.ledger.max_concurrency <= 3


def files(profile: dict[str, Any]) -> Iterable[dict[str, Any]]:
    held = [profile.get("cv"), profile.get("profileImage")]
    return [each for each in held if each]
