"""What goes wrong with media (contract S2.2, faults.md): one file never holds up another profile, and no broken file is kept."""

import json
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from syncd.errors import ApiUnavailable
from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from tests.integration.settling import (
    CONFIRM,
    IMPATIENT,
    LIST,
    MEDIA,
    assert_confirmed_once_each,
    assert_idle,
    calls,
    confirmed,
    landed,
    settle,
    states,
)
from tests.integration.test_faults_media_content import media_row, one_file
from tests.scene import Scene, scene
from tests.unit.log_lines import logging_to

LAST_ERRORS = {
    "truncate": "truncated",
    "drop_before": "connection",
    "drop_after": "connection",
    "html": "web_page",
    "gzip_bomb": "compressed",
    "hang": "timeout",
    "endless_headers": "timeout",
    "slow": "timeout",
}


FAULTS = [
    *(Fault("media", "status", status=status, times=None) for status in (500, 503, 403, 404)),
    Fault("media", "status", status=202, times=None),  # not ready yet
    *(Fault("media", kind, times=None) for kind in ("truncate", "drop_before", "drop_after", "html")),
    *(Fault("media", kind, times=None) for kind in ("redirect", "gzip_bomb", "hang")),
    *(Fault("media", kind, seconds_per_byte=0.02, times=None) for kind in ("endless_headers", "slow")),
]


def test_each_broken_file_holds_up_its_own_profile_alone_and_comes_when_it_is_mended(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=60)
    quick = replace(IMPATIENT, first_byte=0.3, between_chunks=0.3)
    with scene(database_url, tmp_path / "m", config=config, api={"limits": quick}) as s:
        with_cv = [each for each in s.sandbox.expected() if each.get("cv")]
        broken = {each["profileId"]: fault for each, fault in zip(with_cv, FAULTS, strict=False)}
        assert len(broken) == len(FAULTS)
        files = {each["profileId"]: each["cv"]["mediaId"] for each in with_cv}
        for profile_id, fault in broken.items():
            s.sandbox.inject(replace(fault, match=files[profile_id]))
        ended = s.cycle(media_retry=60.0)
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert {each for _, each in confirmed(s)} == landed(s) - set(broken)
        assert set(broken) < landed(s)  # their texts are here and can be reported on
        for profile_id, fault in broken.items():
            row = media_row(s, files[profile_id])
            assert (row["state"], row["storage_path"]) == ("pending", None)
            assert row["last_error"] == LAST_ERRORS.get(fault.kind, f"http_{fault.status or 302}")
        # Five for a file; on a busy machine another may time out once.
        assert ended.tally.http_retries <= 5 * len(FAULTS) + 3
        stored = s.value("SELECT count(*) FROM ats.media WHERE state = 'stored'")
        assert len(s.files()) == stored  # and no half of one, no temporary file
        s.sandbox.clear_faults()
        later(s, 60)
        settle(s)
        s.assert_complete()
        assert_confirmed_once_each(s)


@pytest.mark.parametrize("kind", ["status", "truncate", "drop_before", "drop_after", "html"])
def test_a_passing_fault_is_outlasted_within_the_cycle(kind: str, database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=4)) as s:
        s.sandbox.inject(Fault("media", kind, times=1))
        assert s.cycle().outcome is Outcome.OK
        s.assert_complete()


def later(s: Scene, seconds: int) -> None:
    """Let so much time have passed for the files, however fast the machine is."""
    passed = f"interval '{seconds} s'"
    s.execute(
        f"UPDATE ats.media SET next_attempt_at = next_attempt_at - {passed}, missing_since = missing_since - {passed}"
    )


def test_a_late_file_is_waited_for_and_not_asked_for_too_often(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=6, media_late=1.0, media_late_tries=1)
    with scene(database_url, tmp_path / "m", config=config, media_retry=60) as s:
        s.cycle()
        asked = len(calls(s, MEDIA))
        assert set(calls(s, MEDIA)) == {404}
        s.cycle()
        assert len(calls(s, MEDIA)) == asked  # none is due yet
        later(s, 60)
        assert s.cycle().outcome is Outcome.OK
        assert states(s) == {"stored": asked}
        s.assert_complete()


def test_the_waits_between_two_tries_grow(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=3), media_retry=100) as s:
        _, media_id = one_file(s)
        s.sandbox.inject(Fault("media", "status", status=404, times=None))
        waits = []
        for _ in range(7):
            s.cycle()
            waits.append(
                s.value(
                    "SELECT round(extract(epoch FROM next_attempt_at - now()))::int FROM ats.media WHERE media_id = :id",
                    id=media_id,
                )
            )
            s.execute("UPDATE ats.media SET next_attempt_at = now()")
        assert waits == [100, 200, 400, 800, 1600, 3200, 3600]


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_stays_missing_is_gone_in_time_counted_warned_of_and_holds_up_nothing_any_more(
    status: int, database_url: str, tmp_path: Path
) -> None:
    log = StringIO()
    with (
        scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=6)) as s,
        logging_to(log, "json", "info"),
    ):
        profile_id, media_id = one_file(s)
        s.sandbox.inject(Fault("media", "status", status=status, match=media_id, times=None))
        s.cycle(media_gone_after=60)
        assert media_row(s, media_id)["state"] == "pending"
        assert profile_id not in {each for _, each in confirmed(s)}
        later(s, 60)
        ended = s.cycle(media_gone_after=60)
        assert (ended.outcome, ended.tally.media_gone, ended.tally.confirmed) == (Outcome.PARTIAL, 1, 1)
        row = media_row(s, media_id)
        assert (row["state"], row["last_error"]) == ("gone", f"http_{status}")
        s.assert_complete()
        assert_confirmed_once_each(s)
        assert s.cycle().outcome is Outcome.OK
        assert_idle(s)
    warnings = [
        line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "media_gone"
    ]
    assert [(each["level"], each["profile_id"], each["media_id"]) for each in warnings] == [
        ("warning", profile_id, media_id)
    ]


def test_an_outage_between_two_404_does_not_start_the_wait_anew(database_url: str, tmp_path: Path) -> None:
    """Else one failure a day would keep an application unconfirmed for ever."""
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=3), media_gone_after=0.4) as s:
        _, media_id = one_file(s)
        for status in (404, 403, 404):
            s.sandbox.clear_faults()
            s.sandbox.inject(Fault("media", "status", status=status, match=media_id, times=None))
            s.cycle(media_retry=0.2)
            time.sleep(0.25)
            s.execute("UPDATE ats.media SET next_attempt_at = now()")
        assert media_row(s, media_id)["state"] == "gone"


@pytest.mark.parametrize("status", [500, 403])
def test_with_the_media_endpoint_down_the_text_is_landed_and_the_cycle_stops_asking(
    status: int, database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=60, media_per_profile=3.0)
    with scene(database_url, tmp_path / "m", config=config, media_retry=0.1, media_concurrency=4) as s:
        s.sandbox.inject(Fault("media", "status", status=status, retry_after="0", times=None))
        ended = s.cycle()
        assert isinstance(ended.error, ApiUnavailable)
        assert len(landed(s)) == 60
        assert len(calls(s, LIST)) == 1
        files = s.value("SELECT count(*) FROM ats.media")
        assert states(s) == {"pending": files}
        assert files > 150
        assert len(calls(s, MEDIA)) <= 3 * (20 + 4)
        assert s.files() == set()
        s.sandbox.clear_faults()
        settle(s)
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_nothing_is_confirmed_while_a_file_of_it_is_pending(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=12, media_late=0.3, media_late_tries=1)
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.cycle(media_retry=60)
        held = {
            row["profile_id"] for row in s.rows("SELECT profile_id FROM ats.media WHERE state = 'pending'")
        }
        assert held
        assert {each for _, each in confirmed(s)} == landed(s) - held
        assert s.cycle().tally.confirmed == 0
        later(s, 60)
        settle(s)
        assert (
            len(calls(s, CONFIRM)) == 3
        )  # those without files, those whose files came, those whose came late
        s.assert_complete()  # the sandbox looked at each confirm before it answered
