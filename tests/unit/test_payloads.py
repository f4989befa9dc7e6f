"""One profile's bytes read into our types: fields, answers, times, files and ids (contract S2.1, S2.2)."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.model import NO_STEP, Attachment, BadProfile, FieldMap, MediaFile, Profile, Role
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.spool import Element

BERLIN = ZoneInfo("Europe/Berlin")


def read(value: Any, fields: FieldMap | None = None, timezone: ZoneInfo = BERLIN) -> Profile | BadProfile:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_profile(Element(payload), fields or FieldMap(), timezone)


def profile(fields: FieldMap | None = None, timezone: ZoneInfo = BERLIN, **values: Any) -> Profile:
    found = read({"profileId": "P", **values}, fields, timezone)
    assert isinstance(found, Profile), found
    return found


def bad(value: Any) -> BadProfile:
    found = read(value)
    assert isinstance(found, BadProfile), found
    return found


def test_the_fields_of_the_article_are_read_by_their_names() -> None:
    found = profile(
        externalReferenceId=4711,
        jobTemplateKey="k",
        utmSource="s",
        utmMedium="m",
        utmCampaign="",
        utmContent=True,
        firstName="Jörg",
        lastName="Ö",
        email="j@example.org",
        phone=4915,
        language="de",
    )
    assert (found.external_reference_id, found.job_template_key) == ("4711", "k")
    utm = (found.utm_source, found.utm_medium, found.utm_campaign, found.utm_content)
    assert utm == ("s", "m", None, "true")
    contact = found.contact
    assert (contact.first_name, contact.last_name, contact.email) == ("Jörg", "Ö", "j@example.org")
    assert (contact.phone, contact.extra, found.language) == ("4915", {}, "de")


@pytest.mark.parametrize(
    ("path", "holder", "email", "left"),
    [
        ("mail", {"mail": "a@b"}, "a@b", {}),
        ("contact.mail", {"contact": {"mail": "a@b", "fax": 1}}, "a@b", {"contact": {"fax": 1}}),
        ("a.b.c", {"a": {"b": {"c": "a@b"}}}, "a@b", {"a": {"b": {}}}),
        ("a.b", {"a": "text"}, None, {"a": "text"}),
        ("a.b", {"a": None}, None, {"a": None}),
        ("a.b", {"a": [{"b": 1}]}, None, {"a": [{"b": 1}]}),
        ("a.b", {}, None, {}),
        ("mail", {"mail": {"work": "a@b"}}, None, {"mail": {"work": "a@b"}}),
        ("mail", {"mail": ["a@b"]}, None, {"mail": ["a@b"]}),
        ("mail", {"email": "a@b"}, None, {"email": "a@b"}),
    ],
)
def test_a_dotted_path_takes_a_scalar_out_and_leaves_everything_else(
    path: str, holder: dict[str, Any], email: str | None, left: dict[str, Any]
) -> None:
    contact = profile(FieldMap(email=path), **holder).contact
    assert (contact.email, contact.extra) == (email, left)


def test_question_and_answer_may_lie_anywhere_in_a_step() -> None:
    fields = FieldMap(question="label.de", answer="response.values")
    step = {"label": {"de": "Wann?", "en": "When?"}, "response": {"values": ["a", 2], "at": 1}}
    [answer] = profile(fields, steps=[step]).answers
    assert (answer.question, answer.answer, answer.answer_json) == ("Wann?", "a, 2", ["a", 2])
    assert answer.extra == {"label": {"en": "When?"}, "response": {"at": 1}}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Ja ", "Ja "),
        ("", ""),
        (None, None),
        (0, "0"),
        (-0.5, "-0.5"),
        (2**70, "1180591620717411303424"),
        (False, "false"),
        ([], ""),
        (["a", 1, None, True], "a, 1, , true"),
        ([["a"], "b"], '[["a"],"b"]'),
        ({"b": "ä", "a": [1]}, '{"b":"ä","a":[1]}'),
        ("a\0b\ud800", "a\ufffdb\ufffd"),
        (["a\0"], "a\ufffd"),
    ],
)
def test_an_answer_of_any_kind_has_a_readable_form(answer: Any, text: str | None) -> None:
    [found] = profile(steps=[{"answer": answer}]).answers
    assert (found.step_no, found.question, found.answer, found.extra) == (0, None, text, {})


@pytest.mark.parametrize(
    ("raw", "zone", "moment"),
    [
        ("2024-07-01T08:00:00", "Europe/Berlin", datetime(2024, 7, 1, 6, tzinfo=UTC)),
        ("2024-01-01T08:00:00", "Europe/Berlin", datetime(2024, 1, 1, 7, tzinfo=UTC)),
        ("2024-07-01T08:00:00", "America/New_York", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        ("2024-07-01T08:00:00", "UTC", datetime(2024, 7, 1, 8, tzinfo=UTC)),
        (
            "2024-10-27T02:30:00",
            "Europe/Berlin",
            datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        ),  # twice: the first
        (
            "2024-03-31T02:30:00",
            "Europe/Berlin",
            datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
        ),  # never on a clock
        ("2024-07-01T08:00:00Z", "Europe/Berlin", datetime(2024, 7, 1, 8, tzinfo=UTC)),
        ("2024-07-01T08:00:00-04:00", "Europe/Berlin", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        ("20240701T080000.5+0200", "UTC", datetime(2024, 7, 1, 6, 0, 0, 500000, tzinfo=UTC)),
        ("2024-07-01", "Europe/Berlin", datetime(2024, 6, 30, 22, tzinfo=UTC)),
        ("0001-01-01T00:00:00", "Europe/Berlin", None),
        ("9999-12-31T23:59:59-12:00", "UTC", None),
        ("01.07.2024 08:00", "Europe/Berlin", datetime(2024, 7, 1, 6, tzinfo=UTC)),
        ("2024-07-01T25:00:00", "Europe/Berlin", None),
        ("gestern\0", "Europe/Berlin", None),
    ],
)
def test_a_time_is_taken_in_its_own_or_the_clients_zone_and_kept_as_it_came(
    raw: str, zone: str, moment: datetime | None
) -> None:
    found = profile(FieldMap(applied_at="meta.at"), ZoneInfo(zone), meta={"at": raw})
    assert found.applied_at == moment
    assert found.applied_at_raw == raw.replace("\0", "\ufffd")
    assert found.applied_at is None or found.applied_at.tzinfo is UTC


def file(media_id: Any, **more: Any) -> dict[str, Any]:
    return {
        "mediaId": media_id,
        "mimeType": "application/pdf",
        "fileName": "a.pdf",
        "downloadUri": "/x",
        **more,
    }


def test_a_file_named_in_several_places_is_one_file_and_placeholders_take_no_place() -> None:
    placeholder = {"mediaId": "", "fileName": None}
    found = profile(
        cv=[placeholder, None, file(7)],
        profileImage=file("7"),
        steps=[{}, {"attachments": [file("b", fileName=""), {}, file("7", fileName="other")]}],
    )
    assert {m.media_id for m in found.media} == {"7", "b"}
    assert len(found.media) == 2
    assert MediaFile("b", "application/pdf", None, "/x") in found.media
    assert set(found.attachments) == {
        Attachment(Role.CV, NO_STEP, 0, "7"),
        Attachment(Role.PROFILE_IMAGE, NO_STEP, 0, "7"),
        Attachment(Role.STEP, 1, 0, "b"),
        Attachment(Role.STEP, 1, 1, "7"),
    }
    assert len(found.attachments) == 4


def test_of_two_descriptions_of_a_file_in_one_place_the_first_counts() -> None:
    found = profile(cv=[file("m", fileName="first.pdf"), file("m", fileName="second.pdf")])
    assert [each.file_name for each in found.media] == ["first.pdf"]
    assert [each.ordinal for each in found.attachments] == [0, 1]


@pytest.mark.parametrize(
    ("wire", "text"),
    [("a1", "a1"), ("17", "17"), (17, "17"), (-1, "-1"), (2**80, str(2**80)), (" ü/", " ü/")],
)
def test_an_id_is_text_for_us_and_keeps_its_type_for_the_confirm(wire: Any, text: str) -> None:
    found = read({"profileId": wire})
    assert isinstance(found, Profile)
    assert found.profile_id == text
    assert json.loads(found.wire_id) == wire
    assert type(json.loads(found.wire_id)) is type(wire)


@pytest.mark.parametrize("wire", [None, "", True, False, 1.0, [], {}, "a\0", "\ud800", "ü" * 257])
def test_what_is_no_id_makes_no_application_and_no_file(wire: Any) -> None:
    assert "profileId" in bad({"profileId": wire}).reason
    assert "mediaId in cv" in bad({"profileId": "P", "cv": file(wire)}).reason
    assert isinstance(read({"profileId": "ü" * 256, "cv": file("ü" * 256)}), Profile)


def test_what_is_set_aside_says_whose_it_is_where_that_is_certain() -> None:
    assert bad({"profileId": "P", "steps": 1}).profile_id == "P"
    assert bad(b'{"profileId":"P","age":NaN}').profile_id == "P"
    assert bad(b'{"profileId":"P","a":"\xff"}').profile_id == "P"
    assert bad(b'{"profileId":"P","a":"line\nbreak"}').profile_id == "P"
    assert bad(b'{"profileId":"\xff","steps":1}').profile_id is None
    assert bad(b'{"profile').profile_id is None
    assert bad({"profileId": ["P"]}).profile_id is None


def test_what_is_set_aside_is_known_again_in_another_spelling() -> None:
    one, same = bad(b'{"profileId":"P","steps":1}'), bad(b'{ "steps": 1, "profileId": "\\u0050" }')
    assert one.fingerprint == same.fingerprint
    assert bad(b'{"profileId":"P","steps":2}').fingerprint != one.fingerprint
    assert bad(b"{x").fingerprint == bad(b"{x").fingerprint != bad(b"{y").fingerprint


def test_an_element_the_spool_found_trouble_with_is_set_aside_as_it_says() -> None:
    payload = b'{"profileId":"P"}'
    found = read_profile(Element(payload, "too large"), FieldMap(), BERLIN)
    assert isinstance(found, BadProfile)
    assert (found.reason, found.payload) == ("too large", payload)
