"""Which fields of a profile count as unknown, and that neither their keys nor their number can do harm."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.model import FieldMap
from syncd.pitchyou.drift import FURTHER, MAX_FIELDS, UnknownFields, mapped_paths
from tests.unit.test_payloads import profile


def found(fields: FieldMap | None = None, **values: Any) -> dict[str, str]:
    """The type of each unknown field by its path, if each has one type."""
    unknown = UnknownFields(fields or FieldMap())
    unknown.add(profile(fields, **values))
    taken = unknown.take()
    assert set(taken.values()) <= {1}
    return dict(taken.keys())


def ones(*keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys, 1)


FILE = {"mediaId": "m", "mimeType": "a/b", "fileName": "f", "downloadUri": "u"}
KNOWN: dict[str, Any] = {
    **dict.fromkeys(("firstName", "lastName", "phone", "language", "utmSource", "jobTemplateKey"), "x"),
    "createdAt": "2026-11-01",
    "email": None,
    "externalReferenceId": "x" * 2000,
    "cv": FILE,
    "profileImage": [FILE],
    "steps": [{"question": "q", "answer": {"any": ["thing"]}, "attachments": [FILE]}, {"question": None}],
}


def test_what_the_article_and_the_field_map_name_is_known_in_each_of_its_shapes() -> None:
    assert found(**KNOWN) == {}
    assert found(**{**KNOWN, "cv": [FILE], "profileImage": None, "steps": None}) == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"rating": 5}, {"$.rating": "number"}),
        ({"a": True, "b": None, "c": [], "d": {}}, dict(zip(("$.a", "$.b", "$.c", "$.d"), ("boolean", "null", "array", "object"), strict=True))),
        ({"a": {"b": [{"c": "x"}, {"c": "y"}], "d": [["z"]]}}, {"$.a.b[*].c": "string", "$.a.d[*][*]": "string"}),
        ({"steps": [{"rating": 1}, {"rating": 2.5}, {}]}, {"$.steps[*].rating": "number"}),
        ({"cv": {**FILE, "size": 1}, "steps": [{"attachments": [{**FILE, "hash": "x"}]}]}, {"$.cv.size": "number", "$.steps[*].attachments[*].hash": "string"}),
        ({"email": {"work": "a@b"}}, {"$.email.work": "string"}),
        ({"a.b": 1}, {"$['a.b']": "number"}),
        ({"größe": 1}, {"$.größe": "number"}),
    ],
)  # fmt: skip
def test_an_unknown_field_is_named_by_its_path_and_its_type(
    values: dict[str, Any], expected: dict[str, str]
) -> None:
    assert found(**values) == expected


def test_a_mapped_field_is_known_and_its_empty_holder_says_nothing() -> None:
    fields = FieldMap(email="contact.mail", answer="reply.text")
    values = {"contact": {"mail": "a@b"}, "steps": [{"reply": {"text": "x"}}, {"reply": {"text": None}}, {"reply": None}]}  # fmt: skip
    assert found(fields, **values) == {}
    assert found(fields, contact={"mail": "a@b", "fax": "1"}, email="c@d") == {
        "$.contact.fax": "string",
        "$.email": "string",
    }
    assert mapped_paths(fields)["$.contact.mail"] == "email"
    assert mapped_paths(fields)["$.steps[*].reply.text"] == "answer"


PERSONAL = (
    *(
        "anna@example.org",
        "Anna Müller",
        "+49 151 2345678",
        "01512345678",
        "4915-123-4567",
        "tel0151-234-567",
    ),
    *(
        "c56a4180-65aa-42ec-a945-5fd21dec0538",
        "deadbeefdeadbeef",
        "17",
        "",
        "x" * 65,
        "a\0b",
        "a\nb",
        "<b>",
        "$x",
    ),
)


def test_a_key_that_does_not_look_like_a_field_is_folded() -> None:
    for key in PERSONAL:
        assert found(**ones(key)) == {"$.*": "number"}, key
        assert found(who={key: {"score": 1}}) == {"$.who.*.score": "number"}, key
        assert found(steps=[{key: "x"}]) == {"$.steps[*].*": "string"}, key


def test_an_object_with_very_many_keys_is_a_dictionary_whose_keys_are_data() -> None:
    names = [f"name{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(101)]
    assert found(votes=ones(*names)) == {"$.votes.*": "number"}
    assert found(**ones(*names)) == {"$.*": "number"}
    assert len(found(votes=ones(*names[:100]))) == 100


def test_whatever_profiles_hold_the_number_of_fields_is_bounded() -> None:
    unknown = UnknownFields(FieldMap())
    for number in range(200):
        keys = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}{chr(97 + n)}" for n in range(20)]
        unknown.add(profile(**ones(*keys)))
    taken = unknown.take()
    assert (len(taken), taken[FURTHER]) == (MAX_FIELDS + 1, 200 - 50)
    assert unknown.take() == {}
    deep: Any = 1
    for _ in range(90):
        deep = {"a": deep}
    assert list(found(deep=deep).values()) == ["object"]


def test_profiles_are_counted_and_not_places_in_them() -> None:
    unknown = UnknownFields(FieldMap())
    for _ in range(3):
        unknown.add(profile(steps=[{"type": "x"}] * 5))
    assert unknown.take() == {("$.steps[*].type", "string"): 3}
