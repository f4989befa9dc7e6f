"""Single values: sizes, durations, schedules, addresses; what is read, and what is refused with a remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.bind import parse_bind
from syncd.settings import Cron, Every, parse_schedule
from syncd.settings.addresses import (
    parse_apply_url,
    parse_asset_url,
    parse_base_url,
    parse_database_url,
)
from syncd.settings.keys import KEYS
from syncd.settings.values import parse_duration, parse_size

READ: list[tuple[Callable[[object], object], object, object]] = [
    (parse_size, "200MB", 200_000_000),
    (parse_size, "64KiB", 65_536),
    (parse_size, " 1.5 gb ", 1_500_000_000),
    (parse_size, "7", 7),
    (parse_size, 12, 12),
    (parse_duration, "30s", 30.0),
    (parse_duration, "24h", 86_400.0),
    (parse_duration, "7d", 604_800.0),
    (parse_duration, "250ms", 0.25),
    (parse_duration, "90", 90.0),
    (parse_duration, 1.5, 1.5),
    (parse_base_url, "https://API.pitchyou.de/", "https://api.pitchyou.de"),
    (parse_base_url, "https://gateway.example:8443/pitch/you/", "https://gateway.example:8443/pitch/you"),
    (parse_base_url, "http://localhost:8080", "http://localhost:8080"),
    (parse_base_url, "http://127.0.0.9", "http://127.0.0.9"),
    (parse_base_url, "http://[::1]:80", "http://[::1]:80"),
    (parse_database_url, "postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
    (parse_database_url, "postgresql+psycopg://u@h/db", "postgresql+psycopg://u@h/db"),
    (
        parse_database_url,
        "postgresql:///ats?host=/run/postgresql",
        "postgresql+psycopg:///ats?host=/run/postgresql",
    ),
    (parse_apply_url, "https://{client_id}.pitchyou.de/", "https://{client_id}.pitchyou.de"),
    (parse_apply_url, "http://{client_id}.localhost:8765", "http://{client_id}.localhost:8765"),
    (parse_asset_url, "https://Files.example/a.css?v=1", "https://files.example/a.css?v=1"),
    (parse_asset_url, "", None),
    (parse_bind, "", ""),
    (parse_bind, "0.0.0.0:8080", "0.0.0.0:8080"),
    (parse_bind, "[::1]:0", "[::1]:0"),
    (KEYS["clients.retention_days"].kind.parse, "never", None),
    (KEYS["clients.max_requests_per_second"].kind.parse, "0.5", 0.5),
    (KEYS["clients.max_requests_per_second"].kind.parse, "unlimited", None),
    (KEYS["clients.client_id"].kind.parse, "a" * 63, "a" * 63),
    (KEYS["clients.confirm_wrapper"].kind.parse, "", None),
]

REFUSED: list[tuple[Callable[[object], object], object]] = [
    *(
        (parse_size, wrong)
        for wrong in ("", "MB", "-1", "1PB", "1e3", "½GB", "10%", True, 1.5, None, -1, "9" * 5000)
    ),
    *(
        (parse_duration, wrong)
        for wrong in ("", "s", "-1s", "1w", "1M", "soon", True, None, float("nan"), float("inf"))
    ),
    *(
        (parse_base_url, wrong)
        for wrong in (
            "api.pitchyou.de",
            "ftp://x.de",
            "http://api.pitchyou.de",
            "http://127.0.0.1.evil.de",
            "http://localhost.evil.de",
            "https://u:p@x.de",
            "https://x.de?",
            "https://x.de/#a",
            "https://x.de/../y",
            "https://x .de",
            "https://",
            "https://x.de:99999",
            "https://x.de\n",
            7,
        )
    ),
    *(
        (parse_apply_url, wrong)
        for wrong in (
            "https://pitchyou.de",
            "https://x.de/{client_id}",
            "https://{client_id}.{client_id}.de",
            "http://{client_id}.pitchyou.de",
            'https://{client_id}.a"b.de',
            "https://{client_id}.x.de/%zz<>",
            "{client_id}.pitchyou.de",
            "https://u@{client_id}.x.de",
            7,
        )
    ),
    *(
        (parse_asset_url, wrong)
        for wrong in (
            "https://x.de",
            "https://x.de/{a}.css",
            "http://x.de/a.css",
            "https://x.de/a.css#b",
            "javascript:alert(1)",
            "//x.de/a.css",
            'https://x.de/"a.css',
            7,
        )
    ),
    *(
        (parse_bind, wrong)
        for wrong in ("8080", ":8080", "localhost", "h:99999", "h:x", "::1:80", "h:٣", 8080, None)
    ),
    *(
        (KEYS["clients.client_id"].kind.parse, wrong)
        for wrong in ("", "-a", "a-", "a_b", "A", "a.b", "ä", "a" * 64, "a\n", "xn--bcher-kva", 7)
    ),
    *(
        (KEYS["sync.batch_size"].kind.parse, wrong)
        for wrong in (0, 10_001, "x", 1.0, True, "1_0", "٣", None, "9" * 5000)
    ),
    *(
        (KEYS["clients.max_requests_per_second"].kind.parse, wrong)
        for wrong in (0, -1, "nan", "inf", True, None, 10**400)
    ),
    *(
        (KEYS["clients.timezone"].kind.parse, wrong)
        for wrong in ("", "Europe", "../etc/passwd", "/etc/localtime", 7)
    ),
    *((KEYS["sync.media_gone_after"].kind.parse, wrong) for wrong in ("366d", -1)),
    *((KEYS["clients.label"].kind.parse, wrong) for wrong in ("a\nb", "x" * 201, 7)),
    *((KEYS["clients.token_auth"].kind.parse, wrong) for wrong in ("POST", 1, ["post"])),
    *((KEYS["clients.ca_file"].kind.parse, wrong) for wrong in (" ", "a\0b", 7)),
]


@pytest.mark.parametrize(("parse", "written", "value"), READ)
def test_a_value_is_read(parse: Callable[[object], object], written: object, value: object) -> None:
    assert parse(written) == value


@pytest.mark.parametrize(("parse", "written"), REFUSED)
def test_a_wrong_value_is_refused_with_what_to_write(
    parse: Callable[[object], object], written: object
) -> None:
    with pytest.raises(ValueError, match="write ") as caught:
        parse(written)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("key", KEYS)
@given(
    written=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()))
)
def test_no_value_of_any_key_ends_in_another_error_than_a_sentence(key: str, written: object) -> None:
    told = ""
    try:
        KEYS[key].kind.parse(written)
    except ValueError as error:
        told = str(error)
    assert "\n" not in told


@pytest.mark.parametrize(
    ("written", "seconds"), [("every 60s", 60), ("every 5m", 300), (" every  2 h", 7200), ("every 90", 90)]
)
def test_an_interval_is_read(written: str, seconds: float) -> None:
    assert parse_schedule(written) == Every(seconds)


def test_a_cron_line_is_read_as_cron5_reads_it() -> None:
    cron = parse_schedule(" */20  6-8,22 1,15 jan-MAR,12 mon-fri ")
    assert isinstance(cron, Cron)
    assert cron.expression == "*/20 6-8,22 1,15 jan-MAR,12 mon-fri"
    assert cron.minutes == (0, 20, 40)
    assert cron.hours == (6, 7, 8, 22)
    assert cron.days == (1, 15)
    assert cron.months == (1, 2, 3, 12)
    assert cron.weekdays == ("mon", "tue", "wed", "thu", "fri")
    assert cron.either_day
    assert Cron("10-30/10 * * * *").minutes == (10, 20, 30)
    assert not Cron("0 0 1 * *").either_day


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN", "0,7"])
def test_zero_and_seven_are_sunday(sunday: str) -> None:
    assert Cron(f"0 0 * * {sunday}").weekdays == ("sun",)


def test_ranges_of_weekdays_reach_the_sunday_at_either_end() -> None:
    assert Cron("0 0 * * 5-7").weekdays == Cron("0 0 * * fri-sun").weekdays == ("sun", "fri", "sat")
    assert Cron("0 0 * * 0-1").weekdays == ("sun", "mon")
    assert len(Cron("0 0 * * *").weekdays) == len(Cron("0 0 * * 0-7").weekdays) == 7
    assert Cron("0 0 * * */2").weekdays == ("sun", "tue", "thu", "sat")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "every",
        "every 0s",
        "every 8d",
        "every second",
        "hourly",
        "@hourly",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "* * * * montag",
        "*/0 * * * *",
        "*/60 * * * *",
        "5/10 * * * *",
        "30-10 * * * *",
        "1,,2 * * * *",
        "*-5 * * * *",
        "-1 * * * *",
        "٣ * * * *",
        "0 0 31 2 *",
        "0 0 31 4,6,9,11 *",
        60,
        None,
    ],
)
def test_a_schedule_that_cannot_be_meant_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="write "):
        parse_schedule(written)


def test_a_rare_day_is_a_schedule_all_the_same() -> None:
    assert parse_schedule("0 0 29 2 *") == Cron("0 0 29 2 *")
    assert parse_schedule("0 0 31 2 mon") == Cron("0 0 31 2 mon")
