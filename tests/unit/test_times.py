"""The time of an application, in the ways that programs write it; a time that nobody can have meant is none (ADR 30)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.pitchyou.times import applied_at

BERLIN = ZoneInfo("Europe/Berlin")
RECEIVED = datetime(2021, 2, 12, 12, tzinfo=UTC)
TEN = datetime(2021, 2, 11, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        *("11.02.2021 10:00", "11.2.2021, 10:00:00", "2021-02-11T10:00", "2021-02-11 10:00:00+01:00", " 20210211T100000 "),
        *("/Date(1613034000000)/", "/Date(1613034000000+0100)/", "/Date(1613034000000-0500)/"),
        *("1613034000", "1613034000.0", "1613034000000", "1613034000000000", "1613034000000000000"),
        *("Thu, 11 Feb 2021 09:00:00 GMT", "Thu, 11 Feb 2021 10:00:00 +0100", "Thu, 11 Feb 2021 09:00:00 -0000"),
        *("2021-02-11T09:00:00.0000000Z", "2021-W06-4T10:00"),
    ],
)  # fmt: skip
def test_a_time_is_understood_however_a_program_writes_it(written: str) -> None:
    assert applied_at(written, BERLIN, RECEIVED) == TEN


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("20210211", datetime(2021, 2, 10, 23, tzinfo=UTC)),
        ("11.02.2021", datetime(2021, 2, 10, 23, tzinfo=UTC)),
        ("1613034000.5", TEN + timedelta(milliseconds=500)),
        ("1613034000123", TEN + timedelta(milliseconds=123)),
        ("946684800", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2021-02-13T12:00:00Z", RECEIVED + timedelta(days=1)),
    ],
)
def test_a_date_is_midnight_and_fractions_and_the_bounds_count(written: str, moment: datetime) -> None:
    assert applied_at(written, BERLIN, RECEIVED) == moment


@pytest.mark.parametrize(
    "written",
    [
        *("2999-01-01", "0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "1970-01-01", "01.01.0001 00:00"),
        *("2021-02-13T12:00:01Z", "1999-12-31T23:59:59Z", "01.01.2999 10:00", "Fri, 01 Jan 2999 00:00:00 GMT"),
        *("/Date(0)/", "/Date(-62135596800000)/", "/Date(32472144000000)/", "/Date(999999999999999)/", "/Date()/"),
        *("0", "1", "-1", "946684799", "32472144000", "99999999999", "9999999999999999999", "202102111000", "2021"),
        *("44238.4", "637486308000000000", "1e9", "NaN", "Infinity", "true", "", " ", "gestern", "32.01.2021", "11.02.21"),
        *("02/11/2021 10:00", "Thu, 99 Feb 2021 09:00:00 GMT", "Thu, 1 Jan 99999999999999999 00:00", "٢٠٢١٠٢١١"),
    ],
)  # fmt: skip
def test_what_is_no_time_or_one_that_nobody_can_have_meant_is_none(written: str) -> None:
    assert applied_at(written, BERLIN, RECEIVED) is None


def test_no_time_is_none() -> None:
    assert applied_at(None, BERLIN, RECEIVED) is None
