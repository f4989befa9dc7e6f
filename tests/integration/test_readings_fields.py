"""The fields of a profile in each shape that the article leaves open, down to the rows (contract S2.1, S2.2)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd.model import FieldMap
from syncd.sandbox import SandboxConfig
from tests.integration.listener import Listener
from tests.integration.settling import CONFIRM, MEDIA, calls, landed, quarantined, settle
from tests.scene import Scene, scene


@contextmanager
def given(database_url: str, tmp_path: Path, *profiles: dict[str, Any], **api: Any) -> Iterator[Scene]:
    """A settled scene in which PitchYou lists exactly these profiles."""
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0), api=api) as s:
        for profile in profiles:
            s.sandbox.put_raw_profile(json.dumps(profile, ensure_ascii=False).encode())
        settle(s)
        assert quarantined(s) == []
        s.assert_complete()
        yield s


def file(media_id: Any, **more: Any) -> dict[str, Any]:
    return {"mediaId": media_id, "mimeType": "application/pdf", "fileName": "Lebenslauf.pdf", **more}


def places(s: Scene, profile_id: str = "P") -> list[tuple[Any, ...]]:
    """The places at which a profile names files: role, step, ordinal and media id of each."""
    rows = s.rows(
        "SELECT role, step_no, ordinal, media_id FROM ats.attachment WHERE profile_id = :p ORDER BY 1, 2, 3",
        p=profile_id,
    )
    return [tuple(row.values()) for row in rows]


HELD: list[tuple[Any, list[str]]] = [
    (file("f"), ["f"]),
    (None, []),
    ([file("f"), file("g")], ["f", "g"]),
    ([], []),
    ([None], []),
    ({}, []),
]


def test_cv_and_profile_image_may_be_an_object_null_or_an_array(database_url: str, tmp_path: Path) -> None:
    profiles = {
        f"{key}{number}": {"profileId": f"{key}{number}", "steps": [], key: value}
        for key in ("cv", "profileImage")
        for number, (value, _) in enumerate(HELD)
    }
    with given(database_url, tmp_path, *profiles.values()) as s:
        for key, role in (("cv", "cv"), ("profileImage", "profile_image")):
            for number, (_, ids) in enumerate(HELD):
                expected = [(role, -1, ordinal, each) for ordinal, each in enumerate(ids)]
                assert places(s, f"{key}{number}") == expected, (key, number)
        assert len(s.files()) == 2 * sum(len(ids) for _, ids in HELD)


def test_an_empty_placeholder_cv_is_no_file(database_url: str, tmp_path: Path) -> None:
    """Some ATS integrations make PitchYou attach one. The sandbox takes it for a file, so it is not asked here."""
    placeholder = {"mediaId": "", "fileName": "", "mimeType": None, "downloadUri": ""}
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        s.sandbox.put_raw_profile(json.dumps({"profileId": "P", "steps": [], "cv": placeholder}).encode())
        settle(s)
        assert places(s) == []
        assert calls(s, MEDIA) == []
        assert calls(s, CONFIRM) == [200]


def test_one_file_named_in_three_places_is_one_row_and_one_download(
    database_url: str, tmp_path: Path
) -> None:
    step = {"question": "?", "attachments": [file("f")]}
    with given(database_url, tmp_path, {"profileId": "P", "cv": file("f"), "steps": [step, step]}) as s:
        assert places(s) == [("cv", -1, 0, "f"), ("step", 0, 0, "f"), ("step", 1, 0, "f")]
        assert s.value("SELECT count(*) FROM ats.media") == 1
        assert calls(s, MEDIA) == [200]


def test_one_media_id_in_two_profiles_is_two_files(database_url: str, tmp_path: Path) -> None:
    profiles: list[dict[str, Any]] = [{"profileId": each, "cv": file("f")} for each in ("P", "Q")]
    with given(database_url, tmp_path, *profiles) as s:
        assert s.files() == {"acme/P/f", "acme/Q/f"}


def test_ids_keep_their_json_type_in_the_confirm(database_url: str, tmp_path: Path) -> None:
    ids: list[Any] = ["17a", 17, 2**70, "007", "ü/ \"'\\", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"]
    profiles = [{"profileId": each, "steps": [], "cv": file(each)} for each in ids]
    with given(database_url, tmp_path, *profiles) as s:
        sent = [each for confirm in s.sandbox.ledger.confirms for each in confirm.ids]
        assert sorted(sent, key=str) == sorted(ids, key=str)
        assert {type(each) for each in sent} == {str, int}
        assert landed(s) == {str(each) for each in ids}
        assert len(s.files()) == len(ids)


ANSWERS: list[tuple[Any, str | None]] = [
    ("Ja", "Ja"),
    ("", ""),
    (3, "3"),
    (38.5, "38.5"),
    (True, "true"),
    (None, None),
    (["Früh", "Spät", 3], "Früh, Spät, 3"),
    ([], ""),
    ([{"a": 1}], '[{"a":1}]'),
    ({"from": "ä"}, '{"from":"ä"}'),
]


def test_answers_of_every_json_kind_are_kept_as_text_and_as_they_came(
    database_url: str, tmp_path: Path
) -> None:
    steps = [{"question": "?", "answer": answer} for answer, _ in ANSWERS]
    with given(database_url, tmp_path, {"profileId": "P", "steps": steps}) as s:
        rows = s.rows("SELECT answer_json, answer FROM ats.answer ORDER BY step_no")
        assert [(row["answer_json"], row["answer"]) for row in rows] == ANSWERS


SHOWN = {
    "2500.50": "2500.50",
    "1e3": "1e3",
    "-0.0": "-0.0",
    "1E+2": "1E+2",
    "0.12345678901234567890": "0.12345678901234567890",
    "100000000000000000000": "100000000000000000000",
    "[2500.50, 1e3, 3]": "2500.50, 1e3, 3",
    '{"gross": 2500.50, "net": [1e3, null, true, "ä"]}': '{"gross":2500.50,"net":[1e3,null,true,"ä"]}',
}


def test_a_number_is_shown_as_it_was_sent(database_url: str, tmp_path: Path) -> None:
    steps = ", ".join(f'{{"question": 7.10, "answer": {sent}}}' for sent in SHOWN)
    profile = f'{{"profileId": "P", "utmSource": 2.50, "phone": 1e3, "steps": [{steps}]}}'
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=0)) as s:
        s.sandbox.put_raw_profile(profile.encode())
        assert s.cycle().error is None
        s.assert_complete()
        rows = s.rows("SELECT question, answer FROM ats.answer ORDER BY step_no")
        assert rows == [{"question": "7.10", "answer": shown} for shown in SHOWN.values()]
        assert s.value("SELECT utm_source FROM ats.application") == "2.50"
        assert s.value("SELECT phone FROM ats.application_contact") == "1e3"
        # The same profile again is no change.
        assert s.cycle().tally.changed == 0


def test_missing_steps_and_keys_unknown_to_syncd_cost_nothing(database_url: str, tmp_path: Path) -> None:
    profiles: list[dict[str, Any]] = [
        {"profileId": "none"},
        {"profileId": "null", "steps": None},
        {"profileId": "extra", "steps": [{"id": 7, "kind": {"x": [1]}}], "rating": 5, "tags": ["a"]},
    ]
    with given(database_url, tmp_path, *profiles) as s:
        assert landed(s) == {"none", "null", "extra"}
        (answer,) = s.rows("SELECT question, answer, extra FROM ats.answer")
        assert answer == {"question": None, "answer": None, "extra": {"id": 7, "kind": {"x": [1]}}}
        extra = s.value("SELECT extra FROM ats.application_contact WHERE profile_id = 'extra'")
        assert extra == {"rating": 5, "tags": ["a"]}


def test_the_field_map_finds_what_a_real_payload_keeps_elsewhere(database_url: str, tmp_path: Path) -> None:
    fields = FieldMap(
        question="label.de",
        answer="response.value",
        first_name="person.given",
        last_name="person.family",
        email="person.contact.mail",
        phone="person.contact.tel",
        language="locale",
        applied_at="meta.at",
    )
    profile = {
        "profileId": "P",
        "person": {"given": "Jörg", "family": "Ö", "contact": {"mail": "j@example.org", "tel": 4915}},
        "locale": "de",
        "meta": {"at": "2026-03-01T12:00:00Z", "kept": 1},
        "steps": [{"label": {"de": "Wann?", "en": "When?"}, "response": {"value": ["a", "b"]}}],
    }
    with given(database_url, tmp_path, profile, fields=fields) as s:
        (contact,) = s.rows("SELECT first_name, last_name, email, phone, extra FROM ats.application_contact")
        assert list(contact.values())[:4] == ["Jörg", "Ö", "j@example.org", "4915"]
        assert contact["extra"] == {"person": {"contact": {}}, "meta": {"kept": 1}}
        (answer,) = s.rows("SELECT question, answer, answer_json, extra FROM ats.answer")
        assert answer["question"] == "Wann?"
        assert (answer["answer"], answer["answer_json"]) == ("a, b", ["a", "b"])
        assert answer["extra"] == {"label": {"en": "When?"}, "response": {}}
        (application,) = s.rows("SELECT language, applied_at FROM ats.application")
        assert list(application.values()) == ["de", datetime(2026, 3, 1, 12, tzinfo=UTC)]


TIMES: list[tuple[Any, datetime | None]] = [
    ("2024-07-01T08:00:00", datetime(2024, 7, 1, 6, tzinfo=UTC)),  # naive: the client's zone, summer
    ("2024-01-01 08:00", datetime(2024, 1, 1, 7, tzinfo=UTC)),  # winter
    ("2024-07-01T08:00:00.123+05:30", datetime(2024, 7, 1, 2, 30, 0, 123000, tzinfo=UTC)),
    ("2024-07-01T08:00:00Z", datetime(2024, 7, 1, 8, tzinfo=UTC)),
    ("11.02.2021 10:00", datetime(2021, 2, 11, 9, tzinfo=UTC)),
    (1_613_034_000_000, datetime(2021, 2, 11, 9, tzinfo=UTC)),
    ("gestern Abend", None),
    ("0001-01-01T00:00:00", None),
    ("2999-01-01", None),
]


def test_times_without_an_offset_are_the_clients_and_the_raw_text_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    profiles = [
        {"profileId": f"P{number}", "steps": [], "createdAt": raw} for number, (raw, _) in enumerate(TIMES)
    ]
    with given(database_url, tmp_path, *profiles, timezone="Europe/Berlin") as s:
        rows = s.rows("SELECT applied_at, applied_at_raw FROM ats.application ORDER BY profile_id")
        assert [tuple(row.values()) for row in rows] == [(moment, str(raw)) for raw, moment in TIMES]


def test_a_profile_without_a_job_or_with_an_unknown_one_is_stored(database_url: str, tmp_path: Path) -> None:
    profiles: list[dict[str, Any]] = [
        {"profileId": "none", "steps": []},
        {"profileId": "empty", "steps": [], "externalReferenceId": ""},
        {"profileId": "number", "steps": [], "externalReferenceId": 4711},
        {"profileId": "text", "steps": [], "externalReferenceId": "Küche/1"},
    ]
    with given(database_url, tmp_path, *profiles) as s:
        rows = s.rows("SELECT profile_id, external_reference_id AS job FROM ats.application")
        assert {row["profile_id"]: row["job"] for row in rows} == {
            "none": None,
            "empty": None,
            "number": "4711",
            "text": "Küche/1",
        }
        jobs = s.rows("SELECT external_reference_id AS job, origin FROM ats.job ORDER BY 1")
        assert [tuple(row.values()) for row in jobs] == [("4711", "stub"), ("Küche/1", "stub")]


def test_the_passed_through_parameters_come_back_unchanged(database_url: str, tmp_path: Path) -> None:
    names = ("jobTemplateKey", "utmSource", "utmMedium", "utmCampaign", "utmContent")
    values = dict(zip(names, ("k", "a b", "ä&=?", "%20", "🙂"), strict=True))
    with given(database_url, tmp_path, {"profileId": "P", "steps": [], **values}) as s:
        (row,) = s.rows(
            "SELECT job_template_key, utm_source, utm_medium, utm_campaign, utm_content FROM ats.application"
        )
        assert list(row.values()) == list(values.values())


def test_download_uri_is_kept_as_a_fact_and_never_requested(database_url: str, tmp_path: Path) -> None:
    with Listener() as elsewhere:
        uri = f"{elsewhere.url}/stolen?token=please"
        cv = file("f", downloadUri=uri)
        with given(database_url, tmp_path, {"profileId": "P", "steps": [], "cv": cv}) as s:
            assert s.value("SELECT download_uri FROM ats.media") == uri
            assert s.files() == {"acme/P/f"}
            assert calls(s, CONFIRM) == [200]
        assert elsewhere.connections == 0


ELSEWHERE: list[dict[str, Any]] = [
    {"coverLetter": file("x")},
    {"documents": {"certificates": [[file("x")], {"scan": file("x")}]}},
    {"cv": {**file("f"), "thumbnail": file("x")}},
    {"steps": [{"question": "?", "answer": file("x")}]},
    {"steps": [{"question": "?", "video": {"mediaId": "x", "length": 3}}]},
    {"steps": [{"question": "?", "attachments": [{**file("f"), "signature": file("x")}]}]},
    {"coverLetter": {"mediaId": "x", "fileName": {"de": "Anschreiben.pdf"}, "mimeType": None}},
    {"note\0": file("x")},
]


def test_a_file_at_a_place_that_the_article_does_not_name_is_fetched_before_the_confirm(
    database_url: str, tmp_path: Path
) -> None:
    profiles = [{"profileId": f"P{number}", "steps": [], **where} for number, where in enumerate(ELSEWHERE)]
    # The sandbox checks at the confirm that each file is on disk.
    with given(database_url, tmp_path, *profiles) as s:
        for profile in profiles:
            others = [place for place in places(s, profile["profileId"]) if place[0] == "other"]
            assert {place[3] for place in others} == {"x"}, profile
            assert [place[1:3] for place in others] == [(-1, number) for number in range(len(others))]
        states = s.rows("SELECT state FROM ats.media WHERE media_id = 'x'")
        assert states == [{"state": "stored"}] * len(profiles)
        assert calls(s, CONFIRM) == [200]


def test_what_only_repeats_a_file_or_names_none_is_no_other_file(database_url: str, tmp_path: Path) -> None:
    profile = {
        "profileId": "P",
        "cv": file("f"),
        "allFiles": [file("f"), {"mediaId": None}, {"mediaId": ""}],
        "mediaId": None,
        "note": "mediaId",
    }
    with given(database_url, tmp_path, profile) as s:
        assert places(s) == [("cv", -1, 0, "f")]


def test_a_file_at_another_place_whose_id_cannot_be_read_is_not_passed_over(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        for number, media_id in enumerate((True, 1.5, ["x"], {"x": 1}, "x" * 513, "a\0b")):
            profile = {"profileId": f"P{number}", "letter": {"mediaId": media_id}}
            s.sandbox.put_raw_profile(json.dumps(profile).encode())
        s.cycle()
        assert {entry["profile_id"] for entry in quarantined(s)} == {f"P{number}" for number in range(6)}
        assert all("mediaId" in entry["error"] for entry in quarantined(s))
        assert calls(s, CONFIRM) == []


def test_a_file_that_moves_to_another_place_is_not_fetched_again(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0, after_confirm="stay")) as s:
        for profile in ({"letter": file("x")}, {"cv": file("x")}, {}):
            s.sandbox.withdraw_profile("P") if landed(s) else None
            s.sandbox.put_raw_profile(json.dumps({"profileId": "P", **profile}).encode())
            settle(s)
        assert calls(s, MEDIA) == [200]
        assert places(s) == []
        assert s.files() == set()
