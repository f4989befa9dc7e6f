"""A chat token opens the chat's page at the sandbox, each message is written down, and no token is (S3.1 to S3.3)."""

import json
from typing import Any

import httpx
import pytest

from syncd.sandbox import ChatMessage
from tests.integration.sandbox_calls import Calls, calling


def open_chat(calls: Calls, token: str, method: str = "GET", **more: Any) -> httpx.Response:
    """The chat's page, asked for without the access token."""
    with httpx.Client(base_url=calls.http.base_url, trust_env=False) as browser:
        return browser.request(method, f"/chat/{token}", **more)


def test_the_page_says_who_writes_to_whom_and_what_was_written_so_far() -> None:
    with calling() as (sandbox, calls):
        profile = calls.profiles()[0]
        token = calls.chat_token(profile["profileId"], "Frau Jäger")
        first = open_chat(calls, token)
        assert first.status_code == 200
        assert f"<bdi>Frau Jäger</bdi> schreibt an <bdi>{profile['firstName']}</bdi>" in first.text
        assert "<li>" not in first.text
        sent = open_chat(calls, token, "POST", data={"message": "Guten Tag!\nPasst Montag?"})
        assert (sent.status_code, sent.headers["location"]) == (303, f"/chat/{token}")
        assert "<bdi>Guten Tag!\nPasst Montag?</bdi>" in open_chat(calls, token).text
        assert sandbox.ledger.messages == [
            ChatMessage("acme", profile["profileId"], "Frau Jäger", "Guten Tag!\nPasst Montag?")
        ]


def test_a_second_chat_shows_the_first_ones_messages_and_another_applicants_does_not() -> None:
    with calling() as (_, calls):
        one, other = calls.ids()[:2]
        open_chat(calls, calls.chat_token(one, "Ö"), "POST", data={"message": "Hallo"})
        again = open_chat(calls, calls.chat_token(one)).text
        assert "<strong><bdi>Ö</bdi>:</strong> <bdi>Hallo</bdi>" in again
        assert "<bdi>Das Recruiting-Team</bdi> schreibt an" in again
        assert "Hallo" not in open_chat(calls, calls.chat_token(other)).text


def test_an_unknown_token_opens_nothing_and_an_empty_message_is_none() -> None:
    with calling() as (sandbox, calls):
        token = calls.chat_token(calls.ids()[0])
        for wrong in ("", "unknown", token[:-1], token + "/", token + "/x", "%00", "%ff", "../chat"):
            for method in ("GET", "POST"):
                assert open_chat(calls, wrong, method, data={"message": "x"}).status_code == 404
        for nothing in ({}, {"message": " \n"}):
            assert open_chat(calls, token, "POST", data=nothing).status_code == 303
        assert open_chat(calls, token, "POST", content=b"message=%ff").status_code == 400
        assert open_chat(calls, token, "POST", content=b"x" * 65_537).status_code == 413
        assert sandbox.ledger.messages == []


def test_the_page_may_stand_in_a_frame_and_gives_its_address_to_nobody() -> None:
    with calling() as (_, calls):
        headers = open_chat(calls, calls.chat_token(calls.ids()[0])).headers
        assert "frame-ancestors *" in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "x-frame-options" not in headers
        assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
        assert "frame-ancestors 'none'" in calls.http.get("/go/1").headers["content-security-policy"]


def test_no_token_is_in_the_ledger_in_the_log_or_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with calling(log_requests=True) as (sandbox, calls):
        token = calls.chat_token(calls.ids()[0])
        open_chat(calls, token, "POST", data={"message": "Hallo"}, follow_redirects=True)
        ledger = calls.http.get("/_sandbox/ledger").text
        assert json.loads(ledger)["messages"][0]["text"] == "Hallo"
        assert json.loads(ledger)["requests"]["GET /chat/{token} 200"] == 1
        assert token not in ledger
        assert token not in repr(vars(sandbox._world.chats))
    logged = capsys.readouterr().err
    assert '"POST /chat/… HTTP/1.1" 303' in logged
    assert token not in logged


def test_the_widgets_files_may_be_loaded_by_any_page() -> None:
    with calling() as (_, calls):
        for name, kind in (("chat.css", "text/css"), ("chat.js", "text/javascript")):
            answer = calls.http.get(f"/widget/{name}")
            assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            assert "data-chat-url" in answer.text
        assert calls.http.get("/widget/other.js").status_code == 404
