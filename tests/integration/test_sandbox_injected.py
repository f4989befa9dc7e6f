"""Every fault of the sandbox does over real HTTP what it says, and has its effect or has it not."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncd.sandbox import ENDPOINTS, KINDS, Fault, Sandbox
from tests.integration.sandbox_calls import Calls, calling, media_of


@contextmanager
def failing(on: str, kind: str, **more: Any) -> Iterator[tuple[Sandbox, Calls]]:
    with calling() as (sandbox, calls):
        sandbox.inject(Fault(on, kind, **more))
        yield sandbox, calls


@contextmanager
def failing_media(kind: str, **more: Any) -> Iterator[tuple[Sandbox, Calls, Any, Any]]:
    with failing("media", kind, **more) as (sandbox, calls):
        profile = next(each for each in calls.profiles() if list(media_of(each)))
        yield sandbox, calls, profile["profileId"], next(media_of(profile))["mediaId"]


def test_status_comes_with_retry_after_so_often_and_then_never_again() -> None:
    with failing("profiles", "status", status=429, retry_after="7", times=2) as (sandbox, calls):
        answers = [calls.list_profiles() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert [answer.headers.get("retry-after") for answer in answers] == ["7", "7", None]
        assert [request.status for request in sandbox.ledger.requests] == [200, 429, 429, 200]


@pytest.mark.parametrize(("kind", "left"), [("drop_before", 10), ("drop_after", 0)])
def test_a_dropped_confirm_had_its_effect_or_had_it_not(kind: str, left: int) -> None:
    with failing("confirm", kind) as (sandbox, calls):
        ids = calls.ids()
        with pytest.raises(httpx.RemoteProtocolError):
            calls.confirm(ids)
        assert len(calls.ids()) == left
        assert len(sandbox.ledger.confirms) == (kind == "drop_after")
        assert sandbox.ledger.requests[2].status == 0


def test_a_hanging_call_is_never_answered_and_does_not_hold_up_the_stop() -> None:
    start = time.monotonic()
    with failing("profiles", "hang") as (_, calls):
        calls.http.timeout = httpx.Timeout(0.3)
        with pytest.raises(httpx.ReadTimeout):
            calls.list_profiles()
        assert calls.list_profiles().status_code == 200
    assert time.monotonic() - start < 5


def test_a_redirect_names_another_origin_and_whoever_follows_is_found_out() -> None:
    with failing("profiles", "redirect", times=2) as (sandbox, calls):
        answer = calls.list_profiles()
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("http://localhost:")
        assert sandbox.findings == []
        token = {"Authorization": calls.http.headers["Authorization"]}
        httpx.get(answer.headers["location"].replace("localhost", "127.0.0.1"), headers=token)
        assert sandbox.findings == ["a redirect to another origin was followed, with a token"]
        sandbox.clear_faults()
        sandbox.inject(Fault("profiles", "redirect", target="http://elsewhere.example/", status=308))
        answer = calls.list_profiles()
        assert (answer.status_code, answer.headers["location"]) == (308, "http://elsewhere.example/")


def test_html_comes_with_status_200() -> None:
    with failing("profiles", "html") as (_, calls):
        answer = calls.list_profiles()
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "<html>" in answer.text


def test_garbage_is_no_text_and_no_json() -> None:
    with failing("profiles", "garbage") as (_, calls):
        with pytest.raises(ValueError, match="decode"):
            json.loads(calls.list_profiles().content)
        assert len(calls.ids()) == 10


def test_an_object_comes_instead_of_the_array() -> None:
    with failing("profiles", "object") as (_, calls):
        assert isinstance(calls.list_profiles().json(), dict)


def test_nested_arrays_are_deeper_than_a_parser_likes() -> None:
    with failing("profiles", "nested") as (_, calls), pytest.raises(RecursionError):
        calls.list_profiles().json()


@pytest.mark.parametrize("on", ["profiles", "media"])
def test_an_endless_body_goes_on_until_the_client_hangs_up(on: str) -> None:
    with failing_media("endless") if on == "media" else failing("profiles", "endless") as found:
        sandbox, calls = found[0], found[1]
        path = (
            f"/api/media/v1/download/{found[2]}/{found[3]}"
            if len(found) == 4
            else "/api/applicant/v1/profiles"
        )
        size = 0
        with calls.http.stream("GET", path) as answer:
            for block in answer.iter_raw():
                size += len(block)
                if size > 20_000_000:
                    break
        assert size > 20_000_000
        assert [record.endless for record in sandbox.ledger.media.values()] == [True] * (on == "media")


def test_an_endless_body_can_be_given_an_end() -> None:
    with failing_media("endless", size=300_000) as (_, calls, profile_id, media_id):
        assert 300_000 <= len(calls.media(profile_id, media_id).content) < 400_000


def test_endless_headers_drip_and_never_become_an_answer() -> None:
    with failing("profiles", "endless_headers", seconds_per_byte=0.01) as (_, calls):
        calls.http.timeout = httpx.Timeout(0.5)
        address = (calls.http.base_url.host, calls.http.base_url.port)
        with socket.create_connection(address, timeout=2) as connection:
            connection.sendall(b"GET /api/applicant/v1/profiles HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            received = b""
            while len(received) < 60:
                received += connection.recv(100)
        assert received.startswith(b"HTTP/1.1 200 OK\r\nX-Filler: ")
        assert b"\r\n\r\n" not in received


def test_the_gzip_bomb_is_small_on_the_wire_and_large_behind_it() -> None:
    with failing("profiles", "gzip_bomb", size=50_000_000) as (_, calls):
        with calls.http.stream("GET", "/api/applicant/v1/profiles") as answer:
            assert answer.headers["content-encoding"] == "gzip"
            plain = sum(map(len, answer.iter_bytes()))
            packed = answer.num_bytes_downloaded
        assert plain == 50_000_000
        assert packed < 200_000


@pytest.mark.parametrize("transfer", ["chunked", "length"])
def test_a_truncated_list_breaks_off_and_does_not_count_as_listed_once(transfer: Any) -> None:
    with calling(after_confirm="once", list_transfer=transfer) as (sandbox, calls):
        sandbox.inject(Fault("profiles", "truncate"))
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
            calls.list_profiles()
        assert [answer.complete for answer in sandbox.ledger.lists] == [False]
        assert len(calls.ids()) == 10


@pytest.mark.parametrize("kind", ["truncate", "short", "trailing", "empty", "wrong_type", "drop_after"])
def test_a_list_that_was_not_given_whole_comes_again_under_once(kind: str) -> None:
    with calling(after_confirm="once") as (sandbox, calls):
        sandbox.inject(Fault("profiles", kind))
        with suppress(httpx.RemoteProtocolError):
            calls.list_profiles()
        assert len(calls.ids()) == 10
        assert calls.ids() == []


def test_truncated_media_is_shorter_than_its_content_length_and_is_not_served() -> None:
    with failing_media("truncate") as (sandbox, calls, profile_id, media_id):
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
            calls.media(profile_id, media_id)
        (record,) = sandbox.ledger.media.values()
        assert (record.requests, record.count, record.digests) == (1, 0, frozenset())


@pytest.mark.parametrize("path", ["/api/jobtemplates/v1/gettemplates", "/api/applicant/v1/profiles"])
def test_a_slow_answer_drips_and_is_right_all_the_same(path: str) -> None:
    with calling(profiles=1) as (sandbox, calls):
        right = calls.http.get(path)
        sandbox.inject(Fault("any", "slow", seconds_per_byte=0.0002))
        start = time.monotonic()
        assert calls.http.get(path).content == right.content
        assert time.monotonic() - start > len(right.content) * 0.0002


def test_a_very_slow_answer_does_not_hold_up_the_stop() -> None:
    start = time.monotonic()
    with failing("profiles", "slow", seconds_per_byte=30) as (_, calls):
        calls.http.timeout = httpx.Timeout(0.3)
        with pytest.raises(httpx.ReadTimeout):
            calls.list_profiles()
    assert time.monotonic() - start < 5


def test_a_short_list_is_whole_for_http_and_cut_for_json() -> None:
    with failing("profiles", "short") as (_, calls):
        answer = calls.list_profiles()
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()


def test_short_media_counts_as_served_since_no_client_can_tell() -> None:
    with failing_media("short") as (sandbox, calls, profile_id, media_id):
        half = calls.media(profile_id, media_id).content
        whole = sandbox.media_bytes(None, profile_id, media_id)
        assert half == whole[: len(whole) // 2]
        (record,) = sandbox.ledger.media.values()
        assert record.size == len(half)
        assert calls.media(profile_id, media_id).content == whole
        assert len(next(iter(sandbox.ledger.media.values())).digests) == 2


@pytest.mark.parametrize("transfer", ["chunked", "length"])
def test_trailing_bytes_come_behind_a_right_list(transfer: Any) -> None:
    with calling(list_transfer=transfer) as (sandbox, calls):
        sandbox.inject(Fault("profiles", "trailing"))
        with pytest.raises(json.JSONDecodeError, match="Extra data"):
            calls.list_profiles().json()


@pytest.mark.parametrize("on", ["profiles", "media"])
def test_an_empty_body_has_content_length_0(on: str) -> None:
    with failing_media("empty") if on == "media" else failing("profiles", "empty") as found:
        calls = found[1]
        answer = calls.media(found[2], found[3]) if len(found) == 4 else calls.list_profiles()
        assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "0", b"")


def test_media_of_the_wrong_type_is_another_kind_of_file() -> None:
    with failing_media("wrong_type") as (sandbox, calls, profile_id, media_id):
        right = sandbox.media_bytes(None, profile_id, media_id)
        assert calls.media(profile_id, media_id).content[:4] != right[:4]
        assert calls.media(profile_id, media_id).content == right


def test_a_list_of_the_wrong_type_is_right_but_for_its_name() -> None:
    with failing("profiles", "wrong_type") as (_, calls):
        answer = calls.list_profiles()
        assert answer.headers["content-type"].startswith("text/html")
        assert len(answer.json()) == 10


@pytest.mark.parametrize("on", [endpoint for endpoint in ENDPOINTS if endpoint != "any"])
def test_a_fault_befalls_its_endpoint_alone(on: str) -> None:
    with calling() as (sandbox, calls):
        profile = next(each for each in calls.profiles() if list(media_of(each)))
        entry = next(media_of(profile))
        sandbox.inject(Fault(on, "status", times=None))
        grant = {"grant_type": "client_credentials", "client_id": "acme", "client_secret": "sandbox-secret"}
        statuses = {
            "token": calls.http.post("/token", data=grant).status_code,
            "templates": calls.http.get("/api/jobtemplates/v1/gettemplates").status_code,
            "profiles": calls.list_profiles().status_code,
            "media": calls.media(profile["profileId"], entry["mediaId"]).status_code,
            "confirm": calls.confirm([profile["profileId"]]).status_code,
            "chat": calls.http.post(
                "/api/chattoken/v1", json={"profileId": profile["profileId"]}
            ).status_code,
        }
        assert [name for name, status in statuses.items() if status == 503] == [on]
        sandbox.inject(Fault("any", "status", times=None, status=500))
        assert calls.http.get("/_sandbox/ledger").status_code == 200


def test_every_kind_of_fault_has_a_test_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []
