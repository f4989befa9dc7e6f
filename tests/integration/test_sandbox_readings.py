"""Every switch of the sandbox does over real HTTP what it says."""

import base64
import json
import time
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from syncd.sandbox import Request, Sandbox, SandboxConfig, Tenant
from tests.integration.sandbox_calls import Calls, calling, media_of

GRANT = {"grant_type": "client_credentials"}
CREDENTIALS = {"client_id": "acme", "client_secret": "sandbox-secret"}


def test_without_a_token_every_call_is_answered_with_401() -> None:
    with Sandbox(SandboxConfig(profiles=1)) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        assert http.get("/api/applicant/v1/profiles").status_code == 401
        assert http.get("/api/media/v1/download/a/b").status_code == 401
        assert http.post("/api/applicant/v1/confirm", json=[]).status_code == 401
        assert http.get("/api/jobtemplates/v1/gettemplates").status_code == 401
        assert http.post("/api/chattoken/v1", json={"profileId": "a"}).status_code == 401
        assert http.post("/token", data={**GRANT, **CREDENTIALS, "client_secret": "x"}).status_code == 401
        assert http.get("/nowhere").status_code == 404


def test_a_token_expires_and_can_be_revoked() -> None:
    with calling(token_lifetime=1) as (sandbox, calls):
        assert calls.list_profiles().status_code == 200
        time.sleep(1.1)
        assert calls.list_profiles().status_code == 401
        calls.http.headers["Authorization"] = f"Bearer {calls.token()}"
        assert calls.list_profiles().status_code == 200
        sandbox.revoke_tokens()
        assert calls.list_profiles().status_code == 401
        assert [request.status for request in sandbox.ledger.token_requests] == [200, 200]


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, 3600),
        ({"expires_in_string": True, "token_lifetime": 90}, "90"),
        ({"token_lifetime": None}, None),
    ],
)
def test_expires_in_is_a_number_a_string_or_absent(switches: dict[str, Any], expected: object) -> None:
    with calling(**switches) as (_, calls):
        answer = calls.http.post("/token", data={**GRANT, **CREDENTIALS}).json()
        assert answer.get("expires_in") == expected
        assert ("expires_in" in answer) == (expected is not None)


@pytest.mark.parametrize("auth", ["post", "basic"])
@pytest.mark.parametrize("form", ["form", "json"])
def test_the_token_is_given_only_for_the_chosen_kind_of_request(auth: Any, form: Any) -> None:
    config = SandboxConfig(profiles=1, token_auth=auth, token_format=form, client_secret="s:ü %")
    secret = {"client_id": "acme", "client_secret": "s:ü %"}
    packed = base64.b64encode(f"acme:{quote('s:ü %', safe='')}".encode()).decode()
    with Sandbox(config) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        statuses = {}
        for how in ("post", "basic"):
            for kind in ("form", "json"):
                fields = {**GRANT, **(secret if how == "post" else {})}
                headers = {"Authorization": f"Basic {packed}"} if how == "basic" else {}
                body: dict[str, Any] = {"data": fields} if kind == "form" else {"json": fields}
                statuses[how, kind] = http.post("/token", headers=headers, **body).status_code
    assert statuses.pop((auth, form)) == 200
    assert set(statuses.values()) <= {400, 401}


def test_confirmed_profiles_leave_the_list() -> None:
    with calling(after_confirm="leave") as (_, calls):
        ids = calls.ids()
        assert calls.confirm(ids[:4]).status_code == 200
        assert calls.ids() == ids[4:]


def test_confirmed_profiles_stay_on_the_list() -> None:
    with calling(after_confirm="stay") as (_, calls):
        ids = calls.ids()
        assert calls.confirm(ids).status_code == 200
        assert calls.ids() == ids


def test_each_profile_is_listed_in_one_answer_only() -> None:
    with calling(after_confirm="once") as (sandbox, calls):
        ids = calls.ids()
        assert len(ids) == 10
        assert calls.ids() == []
        sandbox.add_profiles(2)
        assert len(calls.ids()) == 2


@pytest.mark.parametrize("reading", ["leave", "stay", "once"])
def test_a_changed_profile_is_listed_again_with_its_new_content(reading: Any) -> None:
    with calling(after_confirm=reading) as (sandbox, calls):
        first = calls.profiles()[0]
        calls.confirm([first["profileId"]])
        dropped = [entry["mediaId"] for entry in media_of(first)]
        changed = sandbox.change_profile(
            first["profileId"], answers={2: "neu"}, add_media=2, drop_media=dropped, fields={"language": "fr"}
        )
        listed = next(each for each in calls.profiles() if each["profileId"] == first["profileId"])
        assert listed == changed
        assert listed["steps"][2]["answer"] == "neu"
        assert listed["language"] == "fr"
        added = [entry["mediaId"] for entry in media_of(listed)]
        assert len(added) == 2
        assert not set(added) & set(dropped)
        assert calls.media(first["profileId"], added[0]).content.startswith(b"%PDF")
        assert listed in list(sandbox.expected())


def test_a_capped_list_shows_everything_when_confirmed_profiles_leave() -> None:
    with calling(list_cap=4) as (_, calls):
        seen: list[Any] = []
        while ids := calls.ids():
            assert len(ids) <= 4
            seen += ids
            calls.confirm(ids)
        assert len(seen) == len(set(seen)) == 10


def test_a_capped_list_of_profiles_that_stay_has_the_unconfirmed_first_and_then_cycles() -> None:
    with calling(list_cap=4, after_confirm="stay") as (_, calls):
        seen: set[Any] = set()
        for _ in range(3):
            ids = calls.ids()
            assert len(ids) == 4
            seen.update(ids)
            calls.confirm(ids)
        assert len(seen) == 10
        again = {each for _ in range(3) for each in calls.ids()}
        assert len(again) == 10


@pytest.mark.parametrize(
    ("transfer", "header"), [("chunked", "transfer-encoding"), ("length", "content-length")]
)
def test_the_list_is_framed_as_chosen(transfer: Any, header: str) -> None:
    with calling(list_transfer=transfer, signed_uris=True) as (sandbox, calls):
        answer = calls.list_profiles()
        assert header in answer.headers
        assert len(answer.json()) == 10
        assert [record.complete for record in sandbox.ledger.lists] == [True]


def test_ids_with_reserved_characters_work_percent_encoded() -> None:
    with calling(id_type="reserved", after_confirm="leave") as (sandbox, calls):
        for profile in calls.profiles():
            for entry in media_of(profile):
                answer = calls.http.get(entry["downloadUri"])
                assert answer.content == sandbox.media_bytes(None, profile["profileId"], entry["mediaId"])
        assert sandbox.ledger.media
        calls.confirm(calls.ids())
        assert calls.ids() == []


def test_an_integer_id_is_confirmed_as_an_integer_only() -> None:
    with calling(id_type="integer") as (sandbox, calls):
        first = calls.ids()[0]
        calls.confirm([str(first)])
        assert first in calls.ids()
        assert sandbox.findings == [f"'{first}': confirmed as str, but it was listed as int"]
        calls.confirm([first])
        assert first not in calls.ids()
        assert sandbox.ledger.times_confirmed("acme")["int", first] == 1


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
    with calling(media_late=1.0, media_late_tries=2) as (_, calls):
        profile = next(each for each in calls.profiles() if list(media_of(each)))
        entry = next(media_of(profile))
        statuses = [calls.media(profile["profileId"], entry["mediaId"]).status_code for _ in range(4)]
        assert statuses == [404, 404, 200, 200]


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


def test_the_token_decides_whose_profiles_are_seen() -> None:
    with calling(tenants=(Tenant("globex", "other-secret", 5),)) as (sandbox, calls):
        other = Calls(sandbox, "globex", "other-secret")
        with closing(other.http):
            ours, theirs = calls.profiles(), other.profiles()
            assert (len(ours), len(theirs)) == (10, 5)
            assert ours[0]["profileId"] == theirs[0]["profileId"]
            assert ours[0]["steps"] != theirs[0]["steps"]
            calls.confirm([profile["profileId"] for profile in ours])
            assert (len(calls.ids()), len(other.ids())) == (0, 5)
            assert [confirm.client for confirm in sandbox.ledger.confirms] == ["acme"]


def test_raw_bytes_stand_in_the_list_as_they_are() -> None:
    with calling(profiles=2) as (sandbox, calls):
        element = b'{"profileId":"raw-1","steps":[],"cv":{"mediaId":"m1","mimeType":"image/jpeg"}}'
        sandbox.put_raw_profile(element)
        sandbox.put_raw_profile(b"NaN-and-nonsense")
        assert calls.list_profiles().content.endswith(b"," + element + b",NaN-and-nonsense]")
        assert calls.media("raw-1", "m1").content[:2] == b"\xff\xd8"
        calls.confirm(["raw-1"])
        assert b"raw-1" not in calls.list_profiles().content


def test_a_withdrawn_profile_is_listed_no_more() -> None:
    with calling() as (sandbox, calls):
        ids = calls.ids()
        sandbox.withdraw_profile(ids[3])
        assert calls.ids() == ids[:3] + ids[4:]


def test_the_ledger_keeps_confirms_in_order_and_requests_by_template() -> None:
    with calling() as (sandbox, calls):
        ids = calls.ids()
        calls.confirm(ids[5:])
        calls.confirm(ids[:5])
        assert [list(confirm.ids) for confirm in sandbox.ledger.confirms] == [ids[5:], ids[:5]]
        assert sandbox.ledger.requests == [
            Request("POST", "/token", 200),
            Request("GET", "/api/applicant/v1/profiles", 200),
            Request("POST", "/api/applicant/v1/confirm", 200),
            Request("POST", "/api/applicant/v1/confirm", 200),
        ]
        assert sandbox.ledger.max_concurrency == 1


def test_five_thousand_profiles_are_listed_within_seconds_and_piecemeal() -> None:
    with calling(profiles=5_000) as (_, calls):
        start = time.monotonic()
        with calls.http.stream("GET", "/api/applicant/v1/profiles") as answer:
            size = sum(map(len, answer.iter_raw()))
            assert "content-length" not in answer.headers  # nothing had to be whole before it was sent
        assert size > 13_000_000
        assert time.monotonic() - start < 5  # below 1 s when nothing else runs on the machine
