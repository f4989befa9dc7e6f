"""What reports say: both languages say the same things, and each writes numbers and days as its readers do."""

from __future__ import annotations

import re
from datetime import date, datetime

from syncd.reporting.texts import TEXTS
from syncd.reporting.words import Wording


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    german, english = TEXTS["de"], TEXTS["en"]
    assert list(german) == list(english)
    for key in german:
        places = [
            [set(re.findall(r"\{(\w+)\}", text)) for text in texts.split("|")]
            for texts in (german[key], english[key])
        ]
        assert places[0] == places[1], key
        assert all(words[key].strip() for words in TEXTS.values())


def test_numbers_days_and_shares_are_written_as_each_language_does() -> None:
    de, en = Wording("de"), Wording("en")
    assert (de.number(1_234_567), en.number(1_234_567)) == ("1.234.567", "1,234,567")
    assert (de.signed(1_234), de.signed(-5), en.signed(0)) == ("+1.234", "−5", "±0")
    assert (de.percent(1, 3), en.percent(1, 3), de.percent(0, 0)) == ("33\u00a0%", "33%", "–")
    assert (de.growth(3, 2), en.growth(1, 2), de.growth(1, 0), de.growth(2, 2)) == (
        "+50\u00a0%",
        "−50%",
        "",
        "",
    )
    assert (de.points(-1.24), en.points(0.04)) == ("−1,2\u00a0Pp.", "±0.0\u00a0pp")
    assert (de.decimal(1234.56), en.decimal(1234.56)) == ("1234,6", "1234.6")
    assert (de.day(date(2026, 3, 1)), en.day(date(2026, 3, 1))) == ("01.03.2026", "1\u00a0March 2026")
    assert (de.short_day(date(2026, 3, 1)), en.short_day(date(2026, 9, 1))) == ("01.03.2026", "1 Sep 2026")
    assert de.moment(datetime.fromisoformat("2026-03-01T09:05")) == "01.03.2026, 09:05\u00a0Uhr"
    assert (de.month(date(2026, 3, 1)), en.month(date(2026, 12, 1))) == ("März 2026", "December 2026")


def test_one_is_not_many_and_placeholders_of_the_views_have_words() -> None:
    assert Wording("de")("open_files_pending", n=1) == "1 Datei, die noch geladen wird"
    assert Wording("de")("open_files_pending", n=2_000) == "2.000 Dateien, die noch geladen werden"
    assert Wording("en").value("(none)") == "not given"
    assert Wording("en").value("(months)") == "(months)"
