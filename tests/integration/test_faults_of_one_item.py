"""PitchYou refuses one item: one file, or one id of a confirm. All others proceed, and the item is tried again later."""

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ApiUnavailable
from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from tests.integration.exact_answers import serving
from tests.integration.listener import reply
from tests.integration.settling import (
    CONFIRM,
    MEDIA,
    TOKEN,
    assert_confirmed_once_each,
    calls,
    confirmed,
    settle,
    states,
)
from tests.integration.test_faults_confirm import unconfirmed, with_bad_ids
from tests.scene import Scene, scene

ONE_FILE_EACH = SandboxConfig(profiles=12, media_per_profile=1.0)


def cvs(s: Scene) -> list[str]:
    """The ids of the CVs that PitchYou will list, in the order in which they are fetched."""
    return [profile["cv"]["mediaId"] for profile in s.sandbox.expected() if profile.get("cv")]


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize("refused", [1, 3])
def test_a_401_of_single_files_is_their_own_and_all_other_files_come(
    refused: int, concurrency: int, database_url: str, tmp_path: Path
) -> None:
    """The list and the other files take the same token."""
    with scene(
        database_url, tmp_path / "m", config=ONE_FILE_EACH, media_concurrency=concurrency, media_retry=60
    ) as s:
        bad = cvs(s)[:refused]
        for media_id in bad:
            s.sandbox.inject(Fault("media", "status", status=401, match=media_id, times=None))
        ended = s.cycle()
        files = s.value("SELECT count(*) FROM ats.media")
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert ended.tally.media_stored == files - refused
        assert ended.tally.confirmed == 12 - refused
        rows = s.rows(
            "SELECT media_id, state, last_error, attempts, next_attempt_at > now() AS later FROM ats.media "
            "WHERE state <> 'stored' ORDER BY media_id"
        )
        assert [tuple(row.values()) for row in rows] == [
            (media_id, "pending", "http_401", 1, True) for media_id in sorted(bad)
        ]
        assert len(calls(s, TOKEN)) <= 1 + refused
        s.sandbox.clear_faults()
        s.execute("UPDATE ats.media SET next_attempt_at = now() WHERE state = 'pending'")
        settle(s)
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_a_401_of_every_file_ends_the_stage_after_a_bounded_number_of_requests(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=60, media_per_profile=1.0)
    with scene(database_url, tmp_path / "m", config=config, media_concurrency=4) as s:
        s.sandbox.inject(Fault("media", "status", status=401, times=None))
        ended = s.cycle()
        assert "http_401" in str(ended.error)
        assert states(s) == {"pending": s.value("SELECT count(*) FROM ats.media")}
        assert len(calls(s, MEDIA)) <= 2 * (20 + 4)
        assert len(calls(s, TOKEN)) == 2
        assert set(calls(s, CONFIRM)) <= {200}
        s.sandbox.clear_faults()
        s.execute("UPDATE ats.media SET next_attempt_at = now()")
        settle(s)
        s.assert_complete()


@pytest.mark.parametrize("bad_ids", [1, 2])
def test_a_401_of_one_id_is_found_by_halving_and_the_others_are_confirmed(
    bad_ids: int, database_url: str, tmp_path: Path
) -> None:
    config, bad = with_bad_ids(bad_ids, profiles=16, confirm_bad_status=401)
    with scene(database_url, tmp_path / "m", config=config) as s:
        ended = s.cycle()
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert (ended.tally.confirmed, ended.tally.confirm_refused) == (16 - bad_ids, bad_ids)
        assert unconfirmed(s) == dict.fromkeys(bad, "http_401")
        assert set(confirmed(s).values()) == {1}
        s.assert_complete()


def test_a_401_of_every_confirm_ends_with_an_error_and_is_asked_for_a_bounded_number_of_times(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=30, media_per_profile=0.0)
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.sandbox.inject(Fault("confirm", "status", status=401, times=None))
        ended = s.cycle()
        assert ended.outcome is Outcome.FAILED
        assert "401" in str(ended.error)
        assert len(calls(s, CONFIRM)) <= 50
        s.sandbox.clear_faults()
        s.execute("UPDATE ats.application SET confirm_retry_at = now() WHERE confirm_error IS NOT NULL")
        settle(s)
        s.assert_complete()
        assert_confirmed_once_each(s)


NO_ANSWERS = {
    "502": (reply(b"Bad Gateway", status="502 Bad Gateway"), "http_502"),
    "504": (reply(status="504 Gateway Timeout"), "http_504"),
    "closed": (b"", "connection"),
    "not HTTP": (b"220 mail.example ESMTP\r\n", "invalid"),
}


@pytest.mark.parametrize(("answer", "code"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_an_id_whose_confirm_gets_no_answer_is_found_by_halving_and_the_others_are_confirmed(
    answer: bytes, code: str, database_url: str, tmp_path: Path
) -> None:
    """A proxy cannot tell whether PitchYou is down, or fails at this id."""

    def confirm(ids: list[Any]) -> bytes:
        return answer if "P2" in ids else reply()

    profiles = [{"profileId": f"P{number}", "steps": []} for number in range(4)]
    with serving(database_url, tmp_path, profiles, confirm=confirm) as (s, _):
        ended = s.cycle()
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert (ended.tally.confirmed, ended.tally.confirm_refused) == (3, 1)
        assert unconfirmed(s) == {"P2": code}


@pytest.mark.parametrize(
    "answer",
    [b"", reply(status="503 Service Unavailable", Retry_After="100000")],
    ids=["no answer to any", "asks to wait"],
)
def test_confirms_end_without_halving_if_the_whole_endpoint_is_down(
    answer: bytes, database_url: str, tmp_path: Path
) -> None:
    profiles = [{"profileId": f"P{number}", "steps": []} for number in range(4)]
    with serving(database_url, tmp_path, profiles, confirm=lambda ids: answer) as (s, server):
        ended = s.cycle(cycle_deadline=60.0)
        assert type(ended.error) is ApiUnavailable
        assert len(server.requests(CONFIRM)) <= 3 * (4 + 1)
        assert unconfirmed(s) == dict.fromkeys([profile["profileId"] for profile in profiles])
