"""What goes wrong with the confirm (contract S2.3, faults.md): nothing is lost, doubled or asked for ever."""

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ApiError, ApiRefused, ApiUnavailable
from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from syncd.sandbox.content.profiles import profile_id
from syncd.sandbox.ledger import typed
from tests.integration.settling import (
    CONFIRM,
    assert_confirmed_once_each,
    assert_idle,
    calls,
    confirmed,
    landed,
    settle,
)
from tests.scene import Scene, scene


def ids_of(config: SandboxConfig) -> list[Any]:
    return [profile_id(config, index) for index in range(config.profiles)]


def with_bad_ids(count: int, **switches: Any) -> tuple[SandboxConfig, list[str]]:
    """A sandbox that refuses some of its own ids in every confirm, and these ids."""
    plain = SandboxConfig(media_per_profile=0.0, **switches)
    bad = [str(each) for each in ids_of(plain)[3 : 3 + count]]
    return SandboxConfig(media_per_profile=0.0, bad_confirm_ids=frozenset(bad), **switches), bad


def batches(s: Scene) -> list[int]:
    """How many ids each confirm had."""
    return [len(confirm.ids) for confirm in s.sandbox.ledger.confirms]


def unconfirmed(s: Scene) -> dict[str, str | None]:
    """The ids that are not confirmed, with the error noted for each."""
    rows = s.rows("SELECT profile_id, confirm_error FROM ats.application WHERE revision > confirmed_revision")
    return {row["profile_id"]: row["confirm_error"] for row in rows}


def test_confirms_are_chunked(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=25, media_per_profile=0.0)
    with scene(database_url, tmp_path / "m", config=config, confirm_batch=10) as s:
        s.cycle()
        assert batches(s) == [10, 10, 5]
        assert_confirmed_once_each(s)


def test_what_is_confirmed_is_committed(database_url: str, tmp_path: Path) -> None:
    """Nothing but the commit keeps back the confirm of applications without files."""
    config = SandboxConfig(profiles=5, media_per_profile=0.0)
    with scene(database_url, tmp_path / "m", config=config, batch_size=2) as s:
        s.cycle()
        s.assert_complete()


@pytest.mark.parametrize("status", [400, 403, 422])
def test_one_refused_id_is_found_by_halving_and_the_others_are_confirmed(
    status: int, database_url: str, tmp_path: Path
) -> None:
    config, (bad,) = with_bad_ids(1, profiles=32, confirm_bad_status=status)
    with scene(database_url, tmp_path / "m", config=config) as s:
        ended = s.cycle()
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert (ended.tally.confirmed, ended.tally.confirm_refused) == (31, 1)
        assert unconfirmed(s) == {bad: f"http_{status}"}
        assert sorted(batches(s), reverse=True) == [32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1]
        assert set(confirmed(s).values()) == {1}
        s.assert_complete()


def test_a_refused_id_is_tried_again_later_alone_and_keeps_no_other_waiting(
    database_url: str, tmp_path: Path
) -> None:
    config, bad = with_bad_ids(2, profiles=8)
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.cycle()
        assert unconfirmed(s) == dict.fromkeys(bad, "http_422")
        asked = len(calls(s, CONFIRM))
        s.cycle()
        assert len(calls(s, CONFIRM)) == asked  # not before its time
        waits = s.rows(
            "SELECT confirm_retry_at - now() > '55 minutes' AS w FROM ats.application "
            "WHERE confirm_error IS NOT NULL"
        )
        assert [row["w"] for row in waits] == [True, True]

        s.sandbox.add_profiles(3)
        s.execute("UPDATE ats.application SET confirm_retry_at = now() WHERE confirm_error IS NOT NULL")
        s.cycle()
        assert sorted(batches(s)[asked:]) == [1, 1, 3]  # each refused one alone
        assert unconfirmed(s) == dict.fromkeys(bad, "http_422")

        object.__setattr__(s.sandbox.config, "bad_confirm_ids", frozenset())  # PitchYou has mended it
        s.execute("UPDATE ats.application SET confirm_retry_at = now() WHERE confirm_error IS NOT NULL")
        s.cycle()
        assert unconfirmed(s) == {}
        s.assert_complete()


def test_a_refused_id_that_changes_is_confirmed_at_once(database_url: str, tmp_path: Path) -> None:
    config, (bad,) = with_bad_ids(1, profiles=4)
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.cycle()
        object.__setattr__(s.sandbox.config, "bad_confirm_ids", frozenset())
        s.sandbox.change_profile(bad)
        s.cycle()
        assert unconfirmed(s) == {}
        s.assert_complete()


@pytest.mark.parametrize("status", [404, 409])
def test_an_id_that_pitchyou_does_not_wait_for_any_more_counts_as_confirmed(
    status: int, database_url: str, tmp_path: Path
) -> None:
    config, (bad,) = with_bad_ids(1, profiles=8, confirm_bad_status=status)
    with scene(database_url, tmp_path / "m", config=config) as s:
        ended = s.cycle()
        assert (ended.outcome, ended.tally.confirmed, ended.tally.confirm_refused) == (Outcome.OK, 8, 0)
        assert unconfirmed(s) == {}
        assert bad in landed(s)


def test_ids_refused_because_they_are_confirmed_already_count_as_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=6, confirm_again_status=409, after_confirm="stay")
    with scene(database_url, tmp_path / "m", config=config) as s:
        settle(s)
        s.execute("UPDATE ats.application SET confirmed_revision = 0")  # the notes of it were lost
        before = len(calls(s, CONFIRM))
        assert s.cycle().error is None
        assert unconfirmed(s) == {}
        assert set(calls(s, CONFIRM)[before:]) == {409}


@pytest.mark.parametrize("kind", ["html", "status", "drop_before"])
def test_an_answer_that_is_none_does_not_count_as_a_confirm(
    kind: str, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=6)) as s:
        s.sandbox.inject(Fault("confirm", kind))
        assert s.cycle().error is None
        assert_confirmed_once_each(s)
        s.assert_complete()


@pytest.mark.parametrize("kind", ["drop_after", "truncate"])
def test_a_confirm_whose_answer_is_lost_is_sent_again_in_the_same_cycle(
    kind: str, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=6)) as s:
        s.sandbox.inject(Fault("confirm", kind))
        assert s.cycle().error is None
        assert unconfirmed(s) == {}
        s.assert_complete()


def test_a_confirm_whose_answers_are_all_lost_is_sent_again_by_the_next_cycle(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=6)) as s:
        s.sandbox.inject(Fault("confirm", "drop_after", times=None))
        ended = s.cycle()
        assert isinstance(ended.error, ApiUnavailable)
        assert len(unconfirmed(s)) == 6  # nothing is marked on a guess
        s.sandbox.clear_faults()
        assert s.cycle().tally.confirmed == 6  # though PitchYou lists none of them any more
        assert unconfirmed(s) == {}
        s.assert_complete()
        assert_idle(s)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("confirm", "status", status=503, retry_after="0", times=None), ApiUnavailable),
        (Fault("confirm", "status", status=404, times=None), ApiRefused),
        (Fault("confirm", "status", status=400, times=None), ApiRefused),
        *(
            pytest.param(fault, error, marks=pytest.mark.thorough)
            for fault, error in (
                (Fault("confirm", "status", status=500, retry_after="0", times=None), ApiRefused),
                (Fault("confirm", "status", status=429, retry_after="0", times=None), ApiUnavailable),
                (Fault("confirm", "redirect", times=None), ApiRefused),
                (Fault("confirm", "status", status=403, times=None), ApiRefused),
            )
        ),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else value.__name__,
)
def test_with_the_confirm_endpoint_down_everything_is_landed_and_asked_for_a_bounded_number_of_times(
    fault: Fault, error: type[ApiError], database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=12), confirm_batch=4) as s:
        s.sandbox.inject(fault)
        ended = s.cycle()
        assert type(ended.error) is error
        assert ended.outcome is Outcome.FAILED
        assert len(landed(s)) == 12
        files = s.rows("SELECT storage_path FROM ats.media WHERE state = 'stored'")
        assert s.files() == {row["storage_path"] for row in files} != set()
        assert len(calls(s, CONFIRM)) <= 50
        assert len(unconfirmed(s)) == 12
        s.sandbox.add_profiles(5)
        s.cycle()
        assert len(landed(s)) == 17  # landing goes on
        s.sandbox.clear_faults()
        s.execute("UPDATE ats.application SET confirm_retry_at = now() WHERE confirm_error IS NOT NULL")
        settle(s)
        assert unconfirmed(s) == {}
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_a_wrapper_that_is_missing_in_the_settings_ends_in_an_error_that_names_it(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=40, media_per_profile=0.0, confirm_wrapper="profileIds")
    with scene(database_url, tmp_path / "m", config=config) as s:
        ended = s.cycle()
        assert isinstance(ended.error, ApiRefused)
        assert "confirm_wrapper" in str(ended.error)
        assert len(calls(s, CONFIRM)) <= 40
        assert confirmed(s) == {}


def test_a_crash_between_the_confirm_and_its_note_only_repeats_the_confirm(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=5)) as s:
        settle(s)
        lost = ids_of(s.sandbox.config)[2]
        s.execute("UPDATE ats.application SET confirmed_revision = 0 WHERE profile_id = :id", id=lost)
        assert s.cycle().tally.confirmed == 1
        assert confirmed(s)[typed(lost)] == 2
        s.assert_complete()


def test_no_confirm_is_sent_without_leave(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=5), confirm=False) as s:
        s.cycle()
        assert calls(s, CONFIRM) == []
        assert len(unconfirmed(s)) == 5
