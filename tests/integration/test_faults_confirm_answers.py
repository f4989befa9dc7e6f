"""What the body of a 200 says of a confirm (ADR 18): a page or a refusal does not count, whatever its Content-Type."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ApiRefused
from syncd.model import Outcome
from tests.integration.exact_answers import PAGE, chunked, serving
from tests.integration.listener import reply
from tests.integration.settling import CONFIRM

REFUSALS: dict[str, bytes] = {
    "a page as octets": reply(PAGE, Content_Type="application/octet-stream"),
    "a page as JSON": reply(b"  <html>", Content_Type="application/json"),
    "a page in chunks": chunked(PAGE),
    "text called a page": reply(b"Bitte anmelden", Content_Type="text/html"),
    "noise": reply(b"\xff\xfe\0\1\2", Content_Type="application/json"),
    "success: false": reply(b'{"success": false}'),
    "success: 'False'": reply(b'{"Success": "False"}'),
    "success: 0": reply(b'{"success": 0}'),
    "missing ids": reply(b'{"confirmed": ["P1"], "missing": ["P2"]}'),
    "unknown ids": reply(b'{"unknownIds": ["P2"]}'),
    "not OK": reply(b'{"status": "NOT_OK"}'),
    "unauthorized": reply(b'{"status": "Unauthorized"}'),
    "a result in each line": reply(b'{"id": "P1", "success": true}\n{"id": "P2", "success": false}\n'),
    "JSON that is cut off": reply(b'{"success": fal'),
    "XML without a declaration": reply(b"<Error><Message>no</Message></Error>"),
    "XML that says false": reply(b"<Response><Success>false</Success></Response>"),
    "compressed": reply(gzip.compress(b'{"success": false}'), Content_Encoding="gzip"),
    "false": reply(b"false"),
    "errors": reply(b'{"errors": [{"message": "no"}]}'),
    "error": reply(b'{"error": "invalid", "error_description": "no"}'),
    "problem details": reply(b'{"type": "about:blank", "title": "no", "status": 409}'),
    "status": reply(b'{"status": "FAILED"}'),
    "inside": reply(b'{"data": {"isSuccess": false}}'),
    "XML": reply(b'<?xml version="1.0"?><Error>no</Error>', Content_Type="application/xml"),
}


@pytest.mark.long
def test_a_confirm_whose_answer_refuses_it_is_halved_and_does_not_count(
    database_url: str, tmp_path: Path
) -> None:
    profiles: list[dict[str, Any]] = []

    def confirm(ids: list[Any]) -> bytes:
        refusals = [refusal for what, refusal in REFUSALS.items() if f"{what} 2" in ids]
        return refusals[0] if refusals else reply(b'{"confirmed": 1, "errors": []}')

    with serving(database_url, tmp_path, profiles, confirm=confirm) as (s, _):
        for what in REFUSALS:
            bad = f"{what} 2"
            profiles[:] = [{"profileId": f"{what} {number}", "steps": []} for number in range(4)]
            ended = s.cycle()
            assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None), what
            assert (ended.tally.confirmed, ended.tally.confirm_refused) == (3, 1), what
            waiting = (
                "SELECT confirm_error FROM ats.application WHERE confirmed_revision = 0 AND profile_id = :bad"
            )
            assert s.value(waiting, bad=bad) in ("web_page", "unclear", "refused"), what


def test_a_refusal_of_single_ids_in_the_body_leaves_only_these_unconfirmed(
    database_url: str, tmp_path: Path
) -> None:
    def confirm(ids: list[Any]) -> bytes:
        results = [{"profileId": each, "success": each not in ("P1", "P6")} for each in ids]
        return reply(json.dumps({"results": results}).encode())

    profiles = [{"profileId": f"P{number}", "steps": []} for number in range(8)]
    with serving(database_url, tmp_path, profiles, confirm=confirm) as (s, _):
        assert s.cycle().tally.confirmed == 6
        rows = s.rows("SELECT profile_id FROM ats.application WHERE confirm_error = 'refused' ORDER BY 1")
        assert [row["profile_id"] for row in rows] == ["P1", "P6"]


CONFIRMATIONS: dict[str, bytes] = {
    "nothing, called a page": reply(Content_Type="text/html"),
    "nothing, in chunks": chunked(Content_Type="text/html; charset=utf-8"),
    "no content": reply(status="204 No Content", length=-1),
    "blanks": reply(b"\r\n"),
    "JSON called a page": reply(b'{"success": true}', Content_Type="text/html"),
    "no errors": reply(b'{"success": true, "error": null, "errors": [], "failed": 0, "errorCode": "0"}'),
    "the ids": reply(b'["P0"]'),
    "none of them missing": reply(b'{"missing": [], "unknownIds": null, "skipped": 0, "unknown field": "x"}'),
    "a status": reply(b'{"status": "ok", "code": 200}'),
    "text": reply(b"OK", Content_Type="text/plain"),
    "text called JSON": reply(b"OK", Content_Type="application/json"),
    "text in Latin-1": reply("Bestätigt".encode("latin-1")),
    "XML": reply(b"<boolean>true</boolean>", Content_Type="application/xml"),
    "counted before": reply(b'{"confirmed": 0}'),
}


def test_an_answer_that_says_nothing_against_a_confirm_counts(database_url: str, tmp_path: Path) -> None:
    profiles: list[dict[str, Any]] = []
    with serving(database_url, tmp_path, profiles, confirm=lambda ids: CONFIRMATIONS[ids[0]]) as (s, server):
        for number, what in enumerate(CONFIRMATIONS, 1):
            profiles[:] = [{"profileId": what, "steps": []}]
            ended = s.cycle()
            assert (ended.outcome, ended.tally.confirmed) == (Outcome.OK, 1), what
            assert len(server.requests(CONFIRM)) == number, what


@pytest.mark.parametrize("answer", [reply(PAGE), reply(b'{"success": false}')], ids=["page", "refusal"])
def test_if_every_confirm_is_answered_so_the_cycle_fails_after_a_bounded_number_of_requests(
    answer: bytes, database_url: str, tmp_path: Path
) -> None:
    profiles = [{"profileId": f"P{number}", "steps": []} for number in range(12)]
    with serving(database_url, tmp_path, profiles, confirm=lambda ids: answer) as (s, server):
        ended = s.cycle()
        assert type(ended.error) is ApiRefused
        assert s.value("SELECT count(*) FROM ats.application WHERE confirmed_revision > 0") == 0
        assert len(server.requests(CONFIRM)) <= 60
