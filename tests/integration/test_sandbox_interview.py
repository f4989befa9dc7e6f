"""An apply link opens an interview at the sandbox, and what it carries comes back unchanged in the profile (S1.2)."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from syncd.sandbox import ApplyRefused, Sandbox, SandboxConfig, Tenant
from tests.integration.sandbox_calls import calling
from tests.integration.sandbox_store import storing

REFERENCE = "Ä/ö? #1%+ 🚲"
WHO = {"firstName": "Ayşe", "lastName": "Groß", "phone": "+49 1511", "email": "a@example.org"}


@contextmanager
def browsing(**switches: Any) -> Iterator[tuple[Sandbox, httpx.Client]]:
    """A sandbox without applications, and a client that sends what it is given byte for byte."""
    with (
        Sandbox(SandboxConfig(profiles=0, **switches)) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False, headers={"Host": "acme.pitchyou.de"}) as http,
    ):
        yield sandbox, http


def encoded(text: str) -> str:
    return quote(text, safe="")


def test_what_the_link_carries_comes_back_unchanged() -> None:
    utm = {"utm_source": "a+b c", "utm_medium": "&=%", "utm_campaign": "Köln\n", "utm_content": "🚲#?/"}
    query = "&".join(f"{name}={encoded(value)}" for name, value in utm.items())
    with browsing() as (sandbox, _):
        profile = sandbox.apply(f"https://acme.pitchyou.de/go/{encoded(REFERENCE)}?jkey=azubi&{query}")
        assert profile["externalReferenceId"] == REFERENCE
        assert profile["jobTemplateKey"] == "azubi"
        assert [profile[f"utm{part.title()}"] for part in ("source", "medium", "campaign", "content")] == [
            *utm.values()
        ]
        assert list(sandbox.expected()) == [profile]


def test_what_the_link_does_not_carry_is_absent_and_a_plus_in_the_query_is_a_blank() -> None:
    with browsing() as (sandbox, _):
        profile = sandbox.apply("https://acme.pitchyou.de/go/a+b?utm_source=a+b&utm_medium=&fbclid=x")
        assert profile["externalReferenceId"] == "a+b"
        assert profile["utmSource"] == "a b"
        assert profile["utmMedium"] == ""
        for key in ("jobTemplateKey", "utmCampaign", "utmContent"):
            assert profile[key] is None
        assert not any("bewirbst" in step["question"] for step in profile["steps"])


def test_the_title_is_spoken_and_the_template_decides_what_is_asked() -> None:
    with browsing() as (sandbox, http):
        text = http.get(f"/go/1?title={encoded('Köch:in (m/w/d)')}").text
        assert "Du bewirbst dich als <bdi>Köch:in (m/w/d)</bdi> – stimmt das?" in text
        standard, other = (sandbox.apply(f"http://x/go/1?title=T{more}") for more in ("", "&jkey=verkauf"))
        assert standard["steps"][0] == {
            "question": "Du bewirbst dich als T – stimmt das?",
            "answer": True,
            "type": "confirm",
        }
        assert standard["steps"][-1]["question"] != other["steps"][-1]["question"]


def test_the_host_says_whose_link_it_is_and_any_other_host_is_the_first_clients() -> None:
    with browsing(tenants=(Tenant("globex", "s", 0),)) as (sandbox, _):
        hosts = ("acme.localhost:8765", "globex.pitchyou.de", "GLOBEX.localhost", "127.0.0.1", "unknown.de")
        for number, host in enumerate(hosts):
            sandbox.apply(f"http://{host}/go/{number}")
        assert [each["externalReferenceId"] for each in sandbox.expected()] == ["0", "3", "4"]
        assert [each["externalReferenceId"] for each in sandbox.expected("globex")] == ["1", "2"]
        assert sandbox.ledger.summary()["interviews"] == {"acme": 3, "globex": 2}


def test_an_unknown_or_withdrawn_template_has_no_interview_and_a_restored_one_has() -> None:
    with browsing() as (sandbox, http):
        sandbox.withdraw_template("azubi")
        for key in ("azubi", "unknown"):
            for method in ("GET", "POST"):
                answer = http.request(method, f"/go/1?jkey={key}", data=WHO)
                assert answer.status_code == 404
                assert answer.headers["content-type"] == "text/html; charset=utf-8"
        with pytest.raises(ApplyRefused, match="404"):
            sandbox.apply("https://acme.pitchyou.de/go/1?jkey=azubi")
        assert list(sandbox.expected()) == []
        sandbox.restore_template("azubi")
        assert sandbox.apply("https://acme.pitchyou.de/go/1?jkey=azubi")["jobTemplateKey"] == "azubi"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/go/", 404),
        ("/go/a/b", 404),
        ("/go/a/", 404),
        ("/go//a", 404),
        ("/go/%ff", 400),
        ("/go/%ED%A0%80", 400),
        ("/go/a?title=%C3", 400),
        ("/go/a?" + "&".join("x=1" for _ in range(101)), 400),
    ],
)
def test_an_address_that_names_no_job_or_is_no_utf_8_is_refused_with_a_page(target: str, status: int) -> None:
    with browsing() as (sandbox, http):
        for method in ("GET", "POST"):
            answer = http.request(method, target, data=WHO)
            assert (answer.status_code, answer.headers["content-type"]) == (
                status,
                "text/html; charset=utf-8",
            )
        assert list(sandbox.expected()) == []


def test_raw_bytes_in_the_address_are_taken_as_utf_8() -> None:
    with browsing() as (sandbox, http):
        address = (http.base_url.host, http.base_url.port)
        form = "firstName=Ü&lastName=B".encode()
        with socket.create_connection(address, timeout=5) as connection:
            head = f"POST /go/Küche?title=Köch:in HTTP/1.1\r\nHost: acme.x\r\nContent-Length: {len(form)}\r\n\r\n"
            connection.sendall(head.encode() + form)
            assert connection.recv(100).startswith(b"HTTP/1.1 303 ")
        (profile,) = sandbox.expected()
        assert (profile["externalReferenceId"], profile["firstName"]) == ("Küche", "Ü")
        assert "Köch:in" in profile["steps"][0]["question"]


def test_a_form_without_a_name_or_that_is_no_form_makes_no_profile() -> None:
    with browsing() as (sandbox, http):
        for body in (b"", b"firstName=A", b"lastName=B&firstName=", b'{"firstName": "A"}'):
            assert http.post("/go/1", content=body).status_code == 422
        for body in (b"firstName=%ff&lastName=B", b"firstName=\xff&lastName=B"):
            assert http.post("/go/1", content=body).status_code == 400
        assert list(sandbox.expected()) == []


def test_a_form_over_64_kib_is_refused_with_413_and_one_of_just_that_size_is_taken() -> None:
    with browsing() as (sandbox, http):
        frame = "firstName=A&lastName=B&free="
        assert http.post("/go/1", content=frame + "x" * (65_537 - len(frame))).status_code == 413
        assert http.post("/go/1", content="x" * 5_000_000).status_code == 413
        assert list(sandbox.expected()) == []
        assert http.post("/go/1", content=frame + "x" * (65_536 - len(frame))).status_code == 303
        (profile,) = sandbox.expected()
        assert len(profile["steps"][-1]["answer"]) == 65_536 - len(frame)


def test_the_thank_you_page_knows_nobody_and_loading_it_again_applies_no_second_time() -> None:
    with browsing() as (sandbox, http):
        answer = http.post(f"/go/{encoded(REFERENCE)}?title=Koch", data=WHO, follow_redirects=True)
        assert answer.url.path == "/danke"
        assert answer.status_code == 200
        assert not [value for value in (*WHO.values(), REFERENCE, "Koch") if value in answer.text]
        assert http.get("/danke").text == answer.text
        assert len(list(sandbox.expected())) == 1


@pytest.mark.parametrize("media_fields", ["object", "array"])
@pytest.mark.parametrize("id_type", ["string", "integer", "guid", "reserved"])
def test_a_profile_made_so_is_listed_and_confirmed_like_any_other(media_fields: Any, id_type: Any) -> None:
    with calling(profiles=2, media_fields=media_fields, id_type=id_type) as (sandbox, calls):
        made = [sandbox.apply("http://acme.x/go/1", with_cv=with_cv) for with_cv in (True, False)]
        sandbox.add_profiles(1)
        assert calls.profiles() == list(sandbox.expected())
        assert calls.profiles()[2:4] == made
        assert len(set(calls.ids())) == 5
        assert "cv" not in made[1]
        cv = made[0]["cv"][0] if media_fields == "array" else made[0]["cv"]
        file = calls.media(made[0]["profileId"], cv["mediaId"])
        assert file.content.startswith(b"%PDF-")
        changed = sandbox.change_profile(made[0]["profileId"], answers={0: "neu"}, add_media=1)
        assert changed["steps"][0]["answer"] == "neu"
        assert calls.confirm(calls.ids()).status_code == 200
        assert calls.ids() == []
        assert sandbox.findings == []


def test_answers_are_text_only_where_all_answers_are() -> None:
    with browsing(answer_kinds="text") as (sandbox, _):
        profile = sandbox.apply("http://acme.x/go/1?title=T")
        assert {type(step["answer"]) for step in profile["steps"]} == {str}


def test_the_audit_judges_such_a_profile_like_any_other(database_url: str, tmp_path: Path) -> None:
    with storing(database_url, tmp_path / "media", profiles=1) as store:
        store.sandbox.apply(f"http://acme.x/go/{encoded(REFERENCE)}?utm_source=a+b")
        ids = store.take_over()
        assert store.confirm(ids) == []
        report = store.sandbox.audit(confirmed_once=True)
        assert (report.findings, report.profiles) == ([], 2)
        store.execute("UPDATE ats.application SET utm_source = 'x' WHERE profile_id = %s", str(ids[-1]))
        assert store.sandbox.audit().findings == [
            f"{ids[-1]!r}: utm_source is not the utmSource that was served"
        ]


def test_many_applicants_at_once_are_one_profile_each() -> None:
    with browsing() as (sandbox, _):
        threads = [
            threading.Thread(target=sandbox.apply, args=(f"http://acme.x/go/{number}",))
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        sandbox.add_profiles(20)
        for thread in threads:
            thread.join()
        made = list(sandbox.expected())
        assert len({each["profileId"] for each in made}) == 40
        assert {str(number) for number in range(20)} <= {each.get("externalReferenceId") for each in made}
        assert sandbox.ledger.interviews == {"acme": 20}


def test_the_same_seed_makes_the_same_applications_whether_or_not_somebody_applied() -> None:
    with browsing() as (sandbox, _), browsing() as (quiet, _):
        sandbox.apply("http://acme.x/go/1")
        sandbox.add_profiles(3)
        quiet.add_profiles(3)
        assert list(sandbox.expected())[1:] == list(quiet.expected())


def test_the_pages_are_in_the_ledger_by_their_path_templates() -> None:
    with browsing() as (_, http):
        http.post("/go/1", data=WHO, follow_redirects=True)
        http.get("/go/a/b")
        assert json.loads(http.get("/_sandbox/ledger").text)["requests"] == {
            "GET /danke 200": 1,
            "GET /go/{external_job_id} 404": 1,
            "POST /go/{external_job_id} 303": 1,
        }
