"""Two applications are of one person if their phone number, or else their e-mail address, is the same however it is spelled."""

from __future__ import annotations

import pytest

from syncd.persons import normalised_phone, person_key

SECRET = b"s" * 32
MOBILE = "+4915123456789"


@pytest.mark.parametrize(
    "spelled",
    [
        MOBILE,
        "+49 151 23456789",
        "+49 (0) 151 23456789",
        "+49 (0)151-2345-6789",
        "0049 151 23456789",
        "4915123456789",
        "0151 23456789",
        "0151/2345-6789",
        "(0151) 23456789",
        "\u202a+49 151 23456789\u202c",
        "+49\u00a0151\u00a023456789",
        "0151\u201323456789",
        "tel:+49-151-23456789",
        "+49 0151 23456789",
    ],
)
def test_a_number_is_the_same_however_it_is_spelled(spelled: str) -> None:
    assert normalised_phone(spelled, "DE") == MOBILE


@pytest.mark.parametrize(
    ("spelled", "region", "meant"),
    [
        ("0660 1234567", "AT", "+436601234567"),
        ("079 123 45 67", "CH", "+41791234567"),
        ("+43 660 1234567", "DE", "+436601234567"),
        ("436601234567", "DE", "+436601234567"),
        ("+1 (212) 555-0123", "DE", "+12125550123"),
        ("030 901820", "DE", "+4930901820"),
    ],
)
def test_a_number_without_a_country_is_one_of_the_clients_region(
    spelled: str, region: str, meant: str
) -> None:
    assert normalised_phone(spelled, region) == meant


@pytest.mark.parametrize(
    "text", ["", " ", "keine", "-", "+", "()", "ruf mich an", "1", "\ud800", "x" * 100_000]
)
def test_what_is_no_number_has_no_key(text: str) -> None:
    assert normalised_phone(text, "DE") is None
    assert person_key(SECRET, "acme", text, None, "DE") is None


def test_without_a_number_the_address_counts_in_any_case() -> None:
    one, other = (
        person_key(SECRET, "acme", None, mail, "DE") for mail in ("A.b@Example.com", " a.B@example.COM\n")
    )
    assert one == other is not None
    assert person_key(SECRET, "acme", "0151 23456789", "a.b@example.com", "DE") != one
    for text in ("", "@", "nobody", None):
        assert person_key(SECRET, "acme", None, text, "DE") is None


def test_a_key_belongs_to_one_client_and_one_secret_and_shows_nothing() -> None:
    key = person_key(SECRET, "acme", MOBILE, None, "DE")
    assert key is not None
    assert len(key) == 64
    assert "15123456789" not in key
    assert person_key(SECRET, "beta", MOBILE, None, "DE") != key
    assert person_key(b"t" * 32, "acme", MOBILE, None, "DE") != key
