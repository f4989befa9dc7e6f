"""Amounts, months and stages as people write them: what is sure is taken, what may mean two things is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Stage
from syncd.moments import parse_month
from syncd.recruiting.amounts import MAX_AMOUNT, parse_amount, parse_currency
from syncd.recruiting.stages import parse_stage

AMOUNTS = {
    "0": "0",
    "1234": "1234",
    " 1234.5 ": "1234.5",
    "1234,56": "1234.56",
    "1.234,56": "1234.56",
    "1,234.56": "1234.56",
    "1.234.567": "1234567",
    "1,234,567.8": "1234567.8",
    "1'234.50": "1234.50",
    "1’234": "1234",
    "1\u202f234\u00a0567,00": "1234567",
    "12.5000": "12.5",
    "-20": "-20",
    "−1.234,50": "-1234.50",
    "20,00-": "-20",
    "+3": "3",
    "0.99": "0.99",
}
NAMED = {
    "99,00 €": "EUR",
    "€99": "EUR",
    "EUR 1.234,00": "EUR",
    "-5 CHF": "CHF",
}
AMBIGUOUS = ["1.234", "1,234", "999.999", "12.500", "-1.234", "1,234 €"]
NOT_AMOUNTS = [
    "",
    "-",
    "x",
    "1.23.4",
    "1,23,456",
    "1.234.56",
    "1,234,56",
    "1.234,567,890",
    "1 23",
    "1e3",
    "1,23E+06",
    ".5",
    "5.",
    "(20)",
    "-5-",
    "$5",
    "€5 €",
    "٣",
    "0.123.456",
    "#NV",
]


def test_an_amount_is_read_as_german_and_english_spreadsheets_write_it() -> None:
    assert {written: parse_amount(written) for written in AMOUNTS} == {
        written: (Decimal(amount), None) for written, amount in AMOUNTS.items()
    }
    assert {written: parse_amount(written)[1] for written in NAMED} == NAMED
    assert parse_amount("9.999.999.999,99")[0] == MAX_AMOUNT


def refusal(written: str) -> str:
    with pytest.raises(ValueError, match="the amount") as caught:
        parse_amount(written)
    return str(caught.value)


def test_an_amount_that_may_mean_two_things_or_nothing_is_refused_with_what_to_write() -> None:
    for written in AMBIGUOUS:
        assert "is ambiguous; write" in refusal(written), written
    assert refusal("1.234").startswith("the amount '1.234' is ambiguous; write 1234 if it has thousands")
    for written in NOT_AMOUNTS:
        assert "write an amount like 1234.56" in refusal(written), written
    for written in ("0.123", "1234.567", "1.234,567", "1'234.567", "1.2345"):
        assert "more than two decimal places" in refusal(written), written
    assert "is above 9,999,999,999.99" in refusal("10000000000")


@given(st.decimals(0, MAX_AMOUNT, places=2), st.sampled_from([",.", ".,", "' .", "' ,", "’.", " ,"]))
def test_every_amount_with_two_decimal_places_is_read_as_it_was_meant(amount: Decimal, marks: str) -> None:
    group, point = marks[0], marks[-1]
    written = f"{amount:,.2f}".replace(",", "_").replace(".", point).replace("_", group)
    assert parse_amount(written) == (amount, None)
    assert parse_amount(f"{amount:.2f}".replace(".", point)) == (amount, None)


def test_a_currency_is_a_code_of_three_letters() -> None:
    assert [parse_currency(each) for each in ("", " ", "eur", "€", "Euro", " CHF ")] == [
        "",
        "",
        "EUR",
        "EUR",
        "EUR",
        "CHF",
    ]
    for written in ("$", "EU", "Franken", "E1R", "ÄÖÜ"):
        with pytest.raises(ValueError, match="write a code of three letters"):
            parse_currency(written)


def test_a_month_is_read_as_programs_people_and_spreadsheets_write_it() -> None:
    november = [
        "2026-11",
        "2026-11-01",
        "2026-11-01 00:00:00",
        "2026-11-01T00:00",
        "11.2026",
        "11/2026",
        "01.11.2026",
        "1.11.2026",
        "November 2026",
        "nov. 2026",
        "NOV-26",
        "Nov 26",
    ]
    assert {parse_month(written) for written in november} == {date(2026, 11, 1)}
    assert [parse_month(f"{name} 2026").month for name in ("Jänner", "März", "Mrz", "Mai", "Okt", "Dez")] == [
        1,
        3,
        3,
        5,
        10,
        12,
    ]
    for written in (
        "",
        "2026",
        "2026-13",
        "2026-11-02",
        "15.11.2026",
        "0000-01",
        "11.26",
        "Foo 2026",
        "1126",
    ):
        with pytest.raises(ValueError):  # noqa: PT011  # the caller says what to write
            parse_month(written)


def test_a_stage_is_known_by_english_and_german_words() -> None:
    words = ["Screened", "Vorstellungs-Gespräch", "OFFER MADE", "eingestellt", "Absage", "zurück gezogen"]
    assert [parse_stage(word) for word in words] == list(Stage)
    names = "screened, interviewed, offered, hired, rejected or withdrawn"
    with pytest.raises(ValueError, match=f"the stage is 'Neu'; write {names}"):
        parse_stage("Neu")
