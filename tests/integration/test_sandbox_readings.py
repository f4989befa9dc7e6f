"""Token and list of the sandbox are over real HTTP what its switches say, and every switch has a test."""

import base64
import time
from contextlib import closing
from dataclasses import fields
from pathlib import Path
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
        assert time.monotonic() - start < 30  # below 1 s when nothing else runs on the machine


def test_requests_are_shown_on_stderr_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with calling(log_requests=False) as (_, calls):
        calls.list_profiles()
    assert capsys.readouterr().err == ""
    with calling(log_requests=True) as (_, calls):
        calls.list_profiles()
    assert '"GET /api/applicant/v1/profiles HTTP/1.1" 200' in capsys.readouterr().err


def test_every_switch_has_a_test() -> None:
    folder = Path(__file__).parent
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (*folder.glob("test_sandbox_*.py"), folder.parent / "unit" / "test_sandbox_content.py")
    )
    by_command = {
        "client_id",
        "client_secret",
        "host",
        "port",
    }  # test_sandbox_command.py gives them as options
    switches = {field.name for field in fields(SandboxConfig)} - by_command
    assert {name for name in switches if f"{name}=" not in source and f'"{name}"' not in source} == set()
