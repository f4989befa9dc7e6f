"""Templates: whatever shape the descriptions have, one text is shown."""

from typing import Any

import pytest

from syncd.pitchyou.spool import element_of
from syncd.pitchyou.templates import display_text, read_templates

MAP = {"en": "Cook", "de": "Koch", "de-AT": "Köchin"}


@pytest.mark.parametrize(
    ("descriptions", "language", "shown"),
    [
        ("Koch", "en", "Koch"),
        (["Koch", "Cook"], "en", "Koch"),
        ([None, "", " ", "Koch"], "de", "Koch"),
        (MAP, "de", "Koch"),
        (MAP, "DE", "Koch"),
        (MAP, "de-AT", "Köchin"),
        (MAP, "de-CH", "Koch"),
        (MAP, "fr", "Cook"),
        ({"de_DE": "Koch", "en": "Cook"}, "de-DE", "Koch"),
        ({"en": "", "de": "Koch"}, "en", "Koch"),
        ({"en": ["Cook", "Chef"]}, "en", "Cook"),
        ({"en": {"text": "Cook"}, "de": {"text": "Koch"}}, "de", "Koch"),
        (
            [{"language": "en", "description": "Cook"}, {"language": "de", "description": "Koch"}],
            "de",
            "Koch",
        ),
        (17, "de", "17"),
        (None, "de", None),
        ([], "de", None),
        ({}, "de", None),
    ],
)
def test_one_text_is_shown_of_any_descriptions(descriptions: Any, language: str, shown: str | None) -> None:
    assert display_text(descriptions, language) == shown


def test_unreadable_elements_are_counted_and_the_others_read() -> None:
    good = [b'{"templateKey":"a","descriptions":"A"}', b'{"templateKey":7}']
    bad = [
        b"1",
        b"null",
        b"{}",
        b'{"templateKey":""}',
        b'{"templateKey":"x","descriptions":NaN}',
        b'{"templateKey":{}}',
    ]
    read = read_templates([element_of(each) for each in reversed(good + bad)], "de")
    assert [template.template_key for template in read.templates] == ["a", "7"]
    assert read.unreadable == len(bad)


def test_of_two_templates_with_one_key_the_last_one_given_wins() -> None:
    given = [b'{"templateKey":"a","descriptions":"first"}', b'{"templateKey":"a","descriptions":"last"}']
    [template] = read_templates([element_of(each) for each in reversed(given)], "de").templates
    assert template.description == "last"


def test_what_postgres_cannot_hold_is_replaced() -> None:
    [template] = read_templates(
        [element_of(b'{"templateKey":"a","descriptions":"x\\u0000y"}')], "de"
    ).templates
    assert (template.description, template.raw) == ("x�y", {"templateKey": "a", "descriptions": "x�y"})
