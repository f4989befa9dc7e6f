"""Lists that the article does not describe: 204 for an empty one, and pages, of which syncd gets one only (ADR 29)."""

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import BadAnswer
from syncd.model import Outcome
from syncd.pitchyou import PitchYou
from syncd.sync.client_cycle import Ended
from tests.integration.listener import Listener, reply
from tests.integration.scripted import TOKEN_ANSWER, listing, logged, scripted
from tests.integration.settling import LIST

ONE = {"profileId": "one", "steps": []}
FILE = {"profileId": "late", "steps": [], "cv": {"mediaId": "m"}}
NO_CONTENT = {
    "bare": reply(status="204 No Content", length=-1),
    "with a length": reply(status="204 No Content"),
    "called text/html": reply(status="204 No Content", Content_Type="text/html; charset=utf-8"),
    "called JSON": reply(status="204 No Content", length=-1, Content_Type="application/json"),
}
IS_A_PART: dict[str, tuple[dict[str, Any], str]] = {
    "a next page": ({"Link": '<https://x.example/p?page=2>; rel="next"'}, "link_next"),
    "a next page, unquoted, in capitals": ({"Link": "</p?page=2>; REL=Next"}, "link_next"),
    "a next page among others": (
        {"Link": '</a>; rel="first", </b>; title="b"; rel="last next"'},
        "link_next",
    ),
    "the number of the next page": ({"X_Next_Page": "2"}, "next_page"),
    "more pages": ({"X_Total_Pages": "3"}, "next_page"),
    "more to come": ({"X_Has_More": "true"}, "next_page"),
    "more in all": ({"X_Total_Count": "2"}, "total_count"),
    "more in all, as elsewhere": ({"X_WP_Total": " 17 "}, "total_count"),
    "a range": ({"Content_Range": "items 0-0/5"}, "content_range"),
    "the last of several ranges": ({"Content_Range": "items 4-4/5"}, "content_range"),
    "206": ({"status": "206 Partial Content"}, "http_206"),
}
IS_WHOLE: dict[str, dict[str, Any]] = {
    "no next page": {"Link": '</p?page=1>; rel="prev", </p?rel=next>; rel="self"; title="next"'},
    "as many in all": {"X_Total_Count": "1"},
    "no number of a next page": {"X_Next_Page": "", "X_Total_Pages": "1", "X_Has_More": "false"},
    "a range that nobody can count": {"Content_Range": f"items 0-{'9' * 5000}/{'9' * 5000}"},
    "nonsense": {"X_Total_Count": "many", "Content_Range": "items */5", "Link": "next"},
    "the whole range": {"Content_Range": "items 0-0/1"},
    "a range of an unknown length": {"Content_Range": "items 0-0/*"},
}


@pytest.mark.parametrize("how", NO_CONTENT)
def test_204_is_an_empty_list_and_what_came_late_is_confirmed(
    how: str, database_url: str, tmp_path: Path
) -> None:
    media = [reply(status="404 Not Found"), reply(b"the file")]
    lists = [listing(FILE), NO_CONTENT[how]]
    with scripted(database_url, tmp_path / "m", lists, media=media) as script:
        assert script.scene.cycle().outcome is Outcome.PARTIAL
        script.scene.execute("UPDATE ats.media SET next_attempt_at = now()")
        ended = script.scene.cycle()
        assert (ended.outcome, ended.error, ended.tally.seen) == (Outcome.OK, None, 0)
        assert script.confirms == [["late"]]
        assert script.scene.value("SELECT count(*) FROM ats.application") == 1


@pytest.mark.parametrize(
    "answer", [reply(), reply(status="205 Reset Content"), reply(status="202 Accepted"), reply(b" ")]
)
def test_an_empty_body_under_any_other_status_is_no_list(answer: bytes) -> None:
    with (
        Listener(lambda heard: [TOKEN_ANSWER if heard.path == "/token" else answer]) as listener,
        PitchYou("acme", "s", base_url=listener.url) as api,
        pytest.raises(BadAnswer, match="it is empty"),
        api.profiles(),
    ):
        pass


@pytest.mark.parametrize("how", IS_A_PART)
def test_a_page_of_the_list_is_landed_and_the_cycle_is_partial_and_says_so(
    how: str, database_url: str, tmp_path: Path
) -> None:
    headers, code = IS_A_PART[how]
    with scripted(database_url, tmp_path / "m", [listing(ONE, **headers)]) as script:
        ended: list[Ended] = []
        first, *_ = logged("list_incomplete", lambda: ended.append(script.scene.cycle()))
        assert (first["error"], first["listed"]) == (code, 1)
        assert (ended[0].outcome, ended[0].error, ended[0].more_listed) == (Outcome.PARTIAL, None, code)
        assert script.confirms == [["one"]]
        assert script.scene.value("SELECT outcome FROM ops.cycle") == "partial"
        # Nothing but the list itself was requested: neither another page nor a place that a header names.
        assert {heard.path for heard in script.listener.heard} == {
            "/token",
            LIST,
            "/api/applicant/v1/confirm",
        }


@pytest.mark.parametrize("how", IS_WHOLE)
def test_a_whole_list_stays_one_whatever_its_headers_are(how: str, database_url: str, tmp_path: Path) -> None:
    with scripted(database_url, tmp_path / "m", [listing(ONE, **IS_WHOLE[how])]) as script:
        assert script.scene.cycle().outcome is Outcome.OK


def test_the_last_page_makes_the_cycle_whole(database_url: str, tmp_path: Path) -> None:
    """A list that is capped is read to its end by confirming what it names, within one cycle."""
    pages = [listing(ONE, X_Total_Count="2"), listing({"profileId": "two", "steps": []}, X_Total_Count="1")]
    with scripted(database_url, tmp_path / "m", [*pages, listing(X_Total_Count="0")]) as script:
        assert script.scene.cycle().outcome is Outcome.OK
        assert script.confirms == [["one"], ["two"]]


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (listing({"templateKey": "a"}, Link='</t?page=2>; rel="next"'), False),
        (listing({"templateKey": "a"}, X_Total_Count="2"), False),
        (listing({"templateKey": "a"}), True),
        (NO_CONTENT["bare"], False),
    ],
)
def test_no_template_counts_as_removed_by_a_page_of_the_list(answer: bytes, whole: bool) -> None:
    with (
        Listener(lambda heard: [TOKEN_ANSWER if heard.path == "/token" else answer]) as listener,
        PitchYou("acme", "s", base_url=listener.url) as api,
    ):
        assert api.templates().whole is whole
