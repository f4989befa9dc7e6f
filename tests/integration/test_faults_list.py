"""What goes wrong with the list: the cycle fails, lands nothing from it, confirms nothing, and the next one is fine (faults.md)."""

import gzip
import json
import random
import time
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.deadline import Deadline
from syncd.errors import ApiError, ApiRefused, ApiUnavailable, BadAnswer
from syncd.model import Outcome, Profile
from syncd.pitchyou import PitchYou
from syncd.sandbox import Fault, SandboxConfig
from tests.integration.listener import Answer, Heard, Listener, reply
from tests.integration.settling import (
    CONFIRM,
    LIST,
    assert_confirmed_once_each,
    calls,
    landed,
    row_versions,
    settle,
)
from tests.scene import scene

TOKEN_ANSWER = reply(b'{"access_token":"t","expires_in":3600}', Content_Type="application/json")

WRONG: dict[str, tuple[Fault, type[ApiError], int, str]] = {
    "truncated": (Fault("profiles", "truncate", times=None), ApiUnavailable, 4, "ended early"),
    "half of it, framed as a whole": (Fault("profiles", "short", times=None), BadAnswer, 1, "truncated"),
    "followed by something": (Fault("profiles", "trailing", times=None), BadAnswer, 1, "its end"),
    "an empty body": (Fault("profiles", "empty", times=None), BadAnswer, 1, "empty"),
    "a web page": (Fault("profiles", "html", times=None), BadAnswer, 1, "base_url"),
    "called text/html": (Fault("profiles", "wrong_type", times=None), BadAnswer, 1, "web page"),
    "an object": (Fault("profiles", "object", times=None), BadAnswer, 1, "an object"),
    "noise": (Fault("profiles", "garbage", times=None), BadAnswer, 1, "array"),
    "never ending": (Fault("profiles", "endless", times=None), BadAnswer, 1, "max_response_bytes"),
    "a gzip bomb": (Fault("profiles", "gzip_bomb", times=None), BadAnswer, 1, "max_response_bytes"),
    "no answer at all": (
        Fault("profiles", "drop_before", times=None),
        ApiUnavailable,
        4,
        "without a response",
    ),
    "500": (Fault("profiles", "status", status=500, times=None), ApiUnavailable, 4, "HTTP 500"),
    "400": (Fault("profiles", "status", status=400, times=None), ApiRefused, 1, "HTTP 400"),
    "403": (Fault("profiles", "status", status=403, times=None), ApiRefused, 1, "HTTP 403"),
    "404": (Fault("profiles", "status", status=404, times=None), ApiRefused, 1, "HTTP 404"),
    "a redirect": (Fault("profiles", "redirect", times=None), ApiRefused, 1, "redirects are not followed"),
}


NEWEST_CYCLE = "SELECT outcome, error_class, error_message FROM ops.cycle ORDER BY cycle_id DESC LIMIT 1"


def test_nothing_is_landed_or_confirmed_and_the_next_cycle_is_fine_after_any_wrong_list(
    database_url: str, tmp_path: Path
) -> None:
    api = {"max_response_bytes": 1_000_000}
    config = SandboxConfig(profiles=0, media_per_profile=0.0)
    with scene(database_url, tmp_path / "m", config=config, api=api) as s:
        for what, (fault, error, attempts, said) in WRONG.items():
            s.sandbox.add_profiles(2)
            before, lists, confirms = landed(s), len(calls(s, LIST)), calls(s, CONFIRM)
            s.sandbox.inject(fault)
            ended = s.cycle()
            assert (type(ended.error), ended.outcome) == (error, Outcome.FAILED), what
            assert said in str(ended.error), what
            assert len(calls(s, LIST)) - lists == attempts, what
            assert (landed(s), calls(s, CONFIRM)) == (before, confirms), what
            (row,) = s.rows(NEWEST_CYCLE)
            assert list(row.values()) == ["failed", error.__name__, str(ended.error)]
            s.sandbox.clear_faults()
            assert s.cycle().tally.confirmed == 2, what
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_100_000_nested_arrays_are_one_bad_profile(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=3)) as s:
        s.sandbox.inject(Fault("profiles", "nested"))
        ended = s.cycle()
        assert (ended.outcome, ended.error, ended.tally.quarantined) == (Outcome.PARTIAL, None, 1)
        settle(s)
        s.assert_complete()


def test_a_list_longer_than_the_limit_by_its_own_announcement_is_not_waited_for() -> None:
    head = reply(length=3_000_000_000)  # and then no byte of it
    started = time.monotonic()
    with pytest.raises(BadAnswer, match=r"3000000000 bytes, more than sync\.max_response_bytes"):
        read(head)
    assert time.monotonic() - started < 4.5  # and not until its deadline


@pytest.mark.parametrize("kind", ["status", "drop_before", "truncate"])
def test_a_list_that_comes_at_the_second_try_is_landed_in_the_same_cycle(
    kind: str, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=8)) as s:
        s.sandbox.inject(Fault("profiles", kind))
        ended = s.cycle()
        assert (ended.outcome, ended.error, ended.tally.http_retries) == (Outcome.OK, None, 1)
        s.assert_complete()


def test_a_list_that_fails_does_not_hold_up_files_and_confirms_nothing_that_may_have_changed(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=10, media_late=1.0, media_late_tries=1, after_confirm="once")
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.cycle(media_retry=0.3)
        assert calls(s, CONFIRM) != []
        without_files = sum(s.sandbox.ledger.times_confirmed("acme").values())
        assert without_files < 10
        time.sleep(0.4)
        s.sandbox.inject(Fault("profiles", "status", status=403, times=None))
        ended = s.cycle()
        assert isinstance(ended.error, ApiRefused)
        assert ended.tally.media_stored > 0
        assert ended.tally.confirmed == 0
        s.sandbox.clear_faults()
        assert s.cycle().tally.confirmed == 10 - without_files
        s.assert_complete()


def test_an_outage_of_the_list_changes_no_row(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=5, after_confirm="stay")) as s:
        settle(s)
        rows, files = row_versions(s), s.files()
        for kind in ("object", "empty", "html"):
            s.sandbox.clear_faults()
            s.sandbox.inject(Fault("profiles", kind))
            assert isinstance(s.cycle().error, BadAnswer)
        assert (row_versions(s), s.files()) == (rows, files)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed_in_seconds_and_as_a_date(
    status: int, as_date: bool, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=2, media_per_profile=0)) as s:
        s.client.api.authenticate()
        moment = datetime.now(UTC) + timedelta(seconds=2.5)  # a date has whole seconds: at least 1.5 from now
        value = format_datetime(moment.replace(microsecond=0), usegmt=True) if as_date else "1"
        s.sandbox.inject(Fault("profiles", "status", status=status, retry_after=value))
        started = time.monotonic()
        assert s.cycle().tally.confirmed == 2
        # Full jitter alone would wait at most half a second before the second try.
        assert 1.0 <= time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100000", 120.0),
        ("Fri, 31 Dec 2100 23:59:59 GMT", 120.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("soon", None),
        ("1 Jan 99999999999999999 00:00", None),
        ("1 Jan 2026 00:00:00 +99999999999999", None),
        (f"1 Jan {'9' * 5000} 00:00", None),
        ("9" * 400, 120.0),
        ("1 Jan 0001 00:00 +2359", 0.0),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_capped_and_nonsense_in_it_is_ignored(value: str, expected: float | None) -> None:
    refusal = reply(status="429 Too Many Requests", Retry_After=value)
    with Listener(listing(refusal)) as server, PitchYou("acme", "s", base_url=server.url) as api:
        api.authenticate()
        random.seed(2)  # the first wait would be 0.478 s: it ends before that, and not in a try
        with pytest.raises(ApiUnavailable) as caught, api.profiles(Deadline(0.45)):
            pass
        assert caught.value.retry_after == expected


def listing(answer: bytes) -> Answer:
    """A server that gives a token and then this answer for the list."""

    def answers(heard: Heard) -> Iterable[bytes]:
        return [TOKEN_ANSWER if heard.path == "/token" else answer]

    return answers


PROFILES = json.dumps([{"profileId": "ä1", "steps": []}, {"profileId": 2, "steps": []}]).encode()


def read(answer: bytes) -> list[str]:
    """The ids of the profiles that a client makes of this answer."""
    with Listener(listing(answer)) as server, PitchYou("acme", "s", base_url=server.url) as api:
        with api.profiles(Deadline(5)) as found:
            profiles = list(found)
        assert all(isinstance(each, Profile) for each in profiles)
        return [each.profile_id for each in profiles if isinstance(each, Profile)]


def test_compression_is_not_asked_for_and_understood_all_the_same() -> None:
    packed = {
        "gzip": gzip.compress(PROFILES, mtime=0),
        "x-gzip": gzip.compress(PROFILES, mtime=0),
        "deflate": zlib.compress(PROFILES),
    }
    for encoding, body in {**packed, "identity": PROFILES, "GZIP": gzip.compress(PROFILES, mtime=0)}.items():
        assert read(reply(body, Content_Encoding=encoding)) == ["2", "ä1"]
    with Listener(listing(reply(b"[]"))) as server, PitchYou("acme", "s", base_url=server.url) as api:
        with api.profiles() as found:
            assert len(found) == 0
        assert {each.headers["accept-encoding"] for each in server.heard} == {"identity"}


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (gzip.compress(PROFILES, mtime=0)[:-9], {"Content_Encoding": "gzip"}, "truncated"),
        (gzip.compress(PROFILES, mtime=0)[:-1] + b"!", {"Content_Encoding": "gzip"}, "damaged"),
        (PROFILES, {"Content_Encoding": "gzip"}, "damaged"),
        (PROFILES, {"Content_Encoding": "br"}, "compressed"),
        (PROFILES, {"Content_Encoding": "gzip, gzip"}, "compressed"),
        (PROFILES.decode().encode("utf-16"), {}, "array"),
        (b"", {}, "empty"),
    ],
)
def test_a_body_that_is_not_what_its_headers_say_is_a_bad_answer(
    body: bytes, headers: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadAnswer, match=said):
        read(reply(body, **headers))


def test_a_body_shorter_than_its_content_length_is_no_answer() -> None:
    with pytest.raises(ApiUnavailable, match="ended early"):
        read(reply(PROFILES, length=len(PROFILES) + 1))
