"""Media, confirm, templates and chat of the sandbox are over real HTTP what its switches say."""

import json
import socket
from typing import Any

import httpx
import pytest

from syncd.sandbox import Sandbox, SandboxConfig
from tests.integration.sandbox_calls import calling, media_of


def test_media_is_an_octet_stream_with_exactly_the_bytes_of_the_ledger() -> None:
    with calling(media_size=40_000) as (sandbox, calls):
        for profile in calls.profiles():
            for entry in media_of(profile):
                answer = calls.media(profile["profileId"], entry["mediaId"])
                assert answer.headers["content-type"] == "application/octet-stream"
                assert answer.content == sandbox.media_bytes(None, profile["profileId"], entry["mediaId"])
                record = sandbox.ledger.media["acme", str(profile["profileId"]), str(entry["mediaId"])]
                assert (record.count, record.size) == (record.requests, 40_000)
        assert calls.media("P-1", "M-1").status_code == 404


def test_late_media_comes_after_so_many_requests() -> None:
    with calling(media_late=1.0, media_late_tries=2) as (sandbox, calls):
        profile = next(each for each in calls.profiles() if list(media_of(each)))
        entry = next(media_of(profile))
        statuses = [calls.media(profile["profileId"], entry["mediaId"]).status_code for _ in range(4)]
        assert statuses == [404, 404, 200, 200]
        (record,) = sandbox.ledger.media.values()
        assert (record.requests, record.count, record.last_status) == (4, 2, 200)


@pytest.mark.parametrize("status", [404, 410])
def test_a_share_of_the_media_is_gone_for_ever(status: Any) -> None:
    with calling(profiles=100, media_gone=0.3, media_gone_status=status) as (_, calls):
        asked = [
            (each["profileId"], entry["mediaId"]) for each in calls.profiles() for entry in media_of(each)
        ]
        first = [calls.media(*key).status_code for key in asked]
        assert set(first) == {200, status}
        assert 0.15 < first.count(status) / len(first) < 0.45
        assert [calls.media(*key).status_code for key in asked] == first


def test_media_can_vanish_with_the_confirm() -> None:
    with calling(media_after_confirm=False) as (_, calls):
        profile = next(each for each in calls.profiles() if list(media_of(each)))
        entry = next(media_of(profile))
        assert calls.media(profile["profileId"], entry["mediaId"]).status_code == 200
        calls.confirm([profile["profileId"]])
        assert calls.media(profile["profileId"], entry["mediaId"]).status_code == 404


def test_download_addresses_are_as_chosen_and_signed_anew_each_time() -> None:
    def addresses(**switches: Any) -> tuple[str, list[str], list[str]]:
        with calling(**switches) as (sandbox, calls):
            first, second = (
                [entry["downloadUri"] for p in calls.profiles() for entry in media_of(p)] for _ in "ab"
            )
            return sandbox.url, first, second

    _, first, second = addresses()
    assert first == second
    assert all(uri.startswith("/api/media/v1/download/") for uri in first)
    url, first, _ = addresses(download_uri="absolute")
    assert all(uri.startswith(f"{url}/api/media/v1/download/") for uri in first)
    _, first, _ = addresses(download_uri="elsewhere")
    assert all(uri.startswith("https://files.pitchyou.example/") for uri in first)
    _, first, second = addresses(signed_uris=True)
    assert all(one != other and "?sig=" in one for one, other in zip(first, second, strict=True))


def test_cv_and_profile_image_can_be_arrays() -> None:
    with calling(media_fields="array") as (_, calls):
        shapes = {
            type(each[key]) for each in calls.profiles() for key in ("cv", "profileImage") if key in each
        }
        assert shapes == {list}


def test_a_wrapped_confirm_is_the_only_one_taken_when_a_wrapper_is_set() -> None:
    with calling(confirm_wrapper="profileIds") as (_, calls):
        ids = calls.ids()
        assert calls.confirm(ids).status_code == 400
        assert calls.confirm({"ids": ids}).status_code == 400
        assert calls.confirm({"profileIds": ids}).status_code == 200
        assert calls.ids() == []
    with calling() as (_, calls):
        assert calls.confirm({"profileIds": calls.ids()}).status_code == 400
        assert len(calls.ids()) == 10


def test_a_strict_confirm_refuses_the_whole_array_for_one_unknown_id() -> None:
    with calling(confirm_strict=True) as (sandbox, calls):
        ids = calls.ids()
        assert calls.confirm([*ids, "P-unknown"]).status_code == 404
        assert calls.ids() == ids
        assert sandbox.findings == ["'P-unknown': confirmed, but it was never listed"]
    with calling(confirm_strict=False) as (_, calls):
        assert calls.confirm([*calls.ids(), "P-unknown"]).status_code == 200
        assert calls.ids() == []


def test_a_bad_id_refuses_every_array_that_contains_it() -> None:
    with Sandbox(SandboxConfig(profiles=1)) as sandbox:
        bad_id = str(next(sandbox.expected())["profileId"])
    with calling(bad_confirm_ids=frozenset({bad_id}), confirm_bad_status=409) as (_, calls):
        ids = calls.ids()
        assert calls.confirm(ids).status_code == 409
        assert calls.confirm([bad_id]).status_code == 409
        assert calls.confirm([each for each in ids if each != bad_id]).status_code == 200
        assert calls.ids() == [bad_id]


def test_a_second_confirm_can_be_answered_otherwise() -> None:
    with calling(confirm_again_status=409) as (_, calls):
        ids = calls.ids()
        assert [calls.confirm(ids[:1]).status_code for _ in range(2)] == [200, 409]


@pytest.mark.parametrize(("shape", "kind"), [("string", str), ("list", list), ("map", dict)])
def test_templates_have_keys_and_descriptions(shape: Any, kind: type) -> None:
    with calling(descriptions=shape) as (_, calls):
        templates = calls.http.get("/api/jobtemplates/v1/gettemplates").json()
        assert {type(template["descriptions"]) for template in templates} == {kind}
        keys = {template["templateKey"] for template in templates}
        assert {profile["jobTemplateKey"] for profile in calls.profiles()} <= keys


@pytest.mark.parametrize("form", ["json", "form"])
@pytest.mark.parametrize("text", ["json", "text"])
def test_each_chat_needs_a_new_token(form: Any, text: Any) -> None:
    with calling(chat_format=form, chat_answer=text) as (sandbox, calls):
        fields = {"profileId": calls.ids()[0], "recruiterName": "Frau Jäger"}

        def ask(given: dict[str, Any]) -> httpx.Response:
            body: dict[str, Any] = {"json": given} if form == "json" else {"data": given}
            return calls.http.post("/api/chattoken/v1", **body)

        answers = [ask(fields) for _ in range(2)]
        tokens = [json.loads(each.text) if text == "json" else each.text for each in answers]
        assert len(set(tokens)) == 2
        assert all(len(token) >= 20 for token in tokens)
        assert ask({"recruiterName": "x"}).status_code == 400
        assert ask({"profileId": "P-unknown"}).status_code == 404
        assert sandbox.ledger.chats == [("acme", fields["profileId"], "Frau Jäger")] * 2
        other: dict[str, Any] = {"data": fields} if form == "json" else {"json": fields}
        assert calls.http.post("/api/chattoken/v1", **other).status_code == 400


def test_nonsense_is_answered_with_400_and_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with calling() as (_, calls):
        deep = b"[" * 100_000 + b"]" * 100_000
        as_json = {"Content-Type": "application/json"}
        for path in ("/api/applicant/v1/confirm", "/api/chattoken/v1"):
            assert calls.http.post(path, content=deep, headers=as_json).status_code == 400
        for length in (b"x", b"-1"):
            address = (calls.http.base_url.host, calls.http.base_url.port)
            with socket.create_connection(address, timeout=5) as connection:
                connection.sendall(
                    b"POST /token HTTP/1.1\r\nHost: sandbox\r\nContent-Length: %s\r\n\r\n" % length
                )
                assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
        assert len(calls.ids()) == 10
    assert capsys.readouterr().err == ""  # no traceback


def test_a_chat_without_a_name_has_none_in_the_ledger() -> None:
    with calling() as (sandbox, calls):
        for more in ({}, {"recruiterName": None}):
            asked = {"profileId": calls.ids()[0], **more}
            assert calls.http.post("/api/chattoken/v1", json=asked).status_code == 200
        assert [recruiter for _, _, recruiter in sandbox.ledger.chats] == [None, None]
