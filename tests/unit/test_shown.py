"""Text of others cannot forge a line, steer a terminal or hide behind bidi marks, and stays readable."""

from __future__ import annotations

import csv
import io
import sys
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.shown import cell, printable, quoted, shortened

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HARMFUL = f"\0\a\b\t\n\v\f\r\x1b\x7f\x85\x9b\u2028\u2029\ud800\udfff{BIDI}"


@pytest.mark.parametrize("show", [printable, quoted, cell])
@pytest.mark.parametrize("character", HARMFUL)
def test_a_harmful_character_is_escaped_wherever_it_stands(show, character: str) -> None:  # type: ignore[no-untyped-def]
    for text in (character, f"a{character}", f"{character}[2Kb"):
        assert character not in show(text)
        assert "\\" in show(text)


def test_no_control_character_and_no_line_separator_of_unicode_is_left() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert printable(everything).isprintable()
    left = {category(c) for c in cell(everything)}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(), st.integers(2, 80))
def test_any_text_becomes_one_printable_line_of_bounded_length(text: str, at_most: int) -> None:
    assert printable(text).isprintable()
    assert quoted(text, at_most).isprintable()
    assert len(shortened(text, at_most)) <= at_most


@pytest.mark.parametrize(
    "value", [None, 3, 1.5, True, ["a\x1b"], {"k": "\u202e"}, "ä" * 500, list(range(500))]
)
def test_any_value_can_be_quoted(value: object) -> None:
    assert quoted(value).isprintable()
    assert len(quoted(value)) <= 62


def test_plain_text_stays_as_it_is() -> None:
    assert printable("Zoë Müller-Łuk 🚲 東京") == "Zoë Müller-Łuk 🚲 東京"
    assert quoted("Zoë") == "'Zoë'"
    assert quoted("x" * 70) == f"'{'x' * 59}…'"
    # A zero-width joiner is part of an emoji and of Persian words.
    assert cell("\u200d ok") == "\u200d ok"


@pytest.mark.parametrize("text", ["=1+1", "+49 170", "-1", "@SUM(A1)", " \t=1", "＝1"])
def test_a_cell_is_never_taken_for_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    assert not cell(f"a{text}").startswith("'")


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", " =1", '"=1+1"', "\t=1", "\r@A1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_no_part_of_a_cell_is_a_formula_whatever_separates_the_cells(delimiter: str, formula: str) -> None:
    line = io.StringIO()
    for written_with in (",", ";", "\t"):
        csv.writer(line, delimiter=written_with).writerow(
            ["a", cell(f"x{delimiter}{formula}"), cell(formula)]
        )
    for opened_with in (",", ";", "\t", "|"):
        for row in csv.reader(line.getvalue().splitlines(), delimiter=opened_with):
            for each in row:
                assert each.lstrip(' \t\r\n"')[:1] not in "=+-@＝＋－＠" or not each, (opened_with, row)


def test_signs_inside_a_text_stay_as_they_are() -> None:
    assert cell("Köln - Bonn, 50+ a=b, a@b.example; m/w/d") == "Köln - Bonn, 50+ a=b, a@b.example; m/w/d"
