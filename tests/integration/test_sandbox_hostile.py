"""Hostile texts stay texts on the sandbox's pages: no tag, no attribute, no header comes of them."""

import re
from contextlib import closing
from urllib.parse import quote

import httpx
import pytest
from pypdfium2 import PdfDocument

from tests.integration.sandbox_calls import calling
from tests.integration.sandbox_hostile import HOSTILE, Outline

HEADERS = {
    "server",
    "date",
    "content-type",
    "content-length",
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
    "cache-control",
}
CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def assert_harmless(answer: httpx.Response, harmless: httpx.Response, text: str) -> None:
    """The page has the tags and headers that it has with a harmless text, and shows this one."""
    assert set(answer.headers) == HEADERS
    seen, expected = Outline(answer.text), Outline(harmless.text)
    assert seen.tags == expected.tags
    as_shown = CONTROLS.sub("�", text)
    assert as_shown in seen.text
    assert not CONTROLS.search(answer.text)


@hostile
def test_a_hostile_title_does_nothing_on_the_page_of_the_interview(text: str) -> None:
    with calling(profiles=0) as (sandbox, calls):
        harmless = calls.http.get("/go/1?title=Koch")
        address = f"/go/{quote(text, safe='')}?title={quote(text, safe='')}&utm_source={quote(text, safe='')}"
        assert_harmless(calls.http.get(address), harmless, text)
        profile = sandbox.apply(f"http://acme.pitchyou.de{address}")
        assert (profile["externalReferenceId"], profile["utmSource"]) == (text, text)
        assert text in profile["steps"][0]["question"]


@hostile
def test_a_hostile_name_does_nothing_on_the_page_of_thanks_in_a_header_or_in_the_cv(text: str) -> None:
    with calling(profiles=0) as (sandbox, calls):
        form = {"firstName": text, "lastName": text, "free": text, "cv": "on"}
        answer = calls.http.post("/go/1", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/danke")
        assert "set-cookie" not in answer.headers
        thanks = calls.http.get("/danke")
        assert set(thanks.headers) == HEADERS
        assert text not in thanks.text
        (profile,) = sandbox.expected()
        assert (profile["firstName"], profile["steps"][-1]["answer"]) == (text, text)
        cv = sandbox.media_bytes(None, profile["profileId"], profile["cv"]["mediaId"])
        with closing(PdfDocument(cv)) as document:
            (page,) = document
            with closing(page), closing(page.get_textpage()) as printed:
                assert letters(text) in letters(printed.get_text_range())


def letters(text: str) -> str:
    """What stays of a text in a PDF whose font has Western letters only."""
    return "".join(letter for letter in text if letter.isalnum() or letter in "()<>\"'=&;")


@hostile
def test_hostile_names_and_messages_do_nothing_on_the_page_of_the_chat(text: str) -> None:
    with calling(profiles=0) as (sandbox, calls):
        seen = []
        for name in ("Koch", text):
            profile = sandbox.apply("http://acme.pitchyou.de/go/1", first_name=name)
            token = calls.chat_token(profile["profileId"], name)
            sent = calls.http.post(f"/chat/{token}", data={"message": name})
            assert (sent.status_code, sent.headers["location"]) == (303, f"/chat/{token}")
            seen.append(calls.http.get(f"/chat/{token}"))
        harmless, answer = seen
        assert_harmless(answer, harmless, text)
        assert sandbox.ledger.messages[-1].text == text


def test_half_a_surrogate_pair_in_a_name_is_replaced_on_the_page_of_the_chat() -> None:
    with calling(profiles=0) as (sandbox, calls):
        sandbox.put_raw_profile(b'{"profileId":"P","firstName":"a\\ud800b"}')
        asked = b'{"profileId":"P","recruiterName":"c\\udfffd"}'
        answer = calls.http.post(
            "/api/chattoken/v1", content=asked, headers={"Content-Type": "application/json"}
        )
        page = calls.http.get(f"/chat/{answer.json()}")
        assert "<bdi>c�d</bdi> schreibt an <bdi>a�b</bdi>" in page.text


def test_a_profile_without_a_name_can_be_written_to_all_the_same() -> None:
    with calling(profiles=0) as (sandbox, calls):
        for number, name in enumerate((b"7", b"null", b"{}", b'""')):
            sandbox.put_raw_profile(b'{"profileId":"P-%d","firstName":%s}' % (number, name))
            token = calls.chat_token(f"P-{number}")
            assert "eine Bewerberin oder einen Bewerber" in calls.http.get(f"/chat/{token}").text
