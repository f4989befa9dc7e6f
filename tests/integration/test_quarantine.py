"""What waits in quarantine: when it is resolved, what it holds up, and which of two versions counts (faults.md)."""

from pathlib import Path
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from syncd.sandbox.ledger import typed
from syncd.sync.client_cycle import prepare_work
from syncd.sync.retry_quarantine import retry_quarantined
from tests.integration.settling import assert_idle, confirmed, landed, quarantined, settle
from tests.integration.test_bad_profiles import BAD, GOOD, NOT_JSON, file, profile
from tests.scene import Scene, scene


def waiting_ids(s: Scene) -> list[Any]:
    return [entry["profile_id"] for entry in quarantined(s)]


def test_an_entry_is_resolved_when_its_profile_becomes_readable(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.put_raw_profile(NOT_JSON["NaN"])
        for _ in range(3):
            s.cycle()
        assert waiting_ids(s) == ["bad"]
        s.sandbox.withdraw_profile("bad")
        s.sandbox.put_raw_profile(profile(utmSource="ok"))
        settle(s)
        assert waiting_ids(s) == []
        assert s.value("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NOT NULL") == 1
        assert confirmed(s)[typed("bad")] == 1
        s.assert_complete()


def test_nothing_is_confirmed_while_its_newest_version_waits_in_quarantine(
    database_url: str, tmp_path: Path
) -> None:
    """PitchYou would take the confirm of the older version for one of the newer."""
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.inject(Fault("media", "status", status=404, times=None))
        s.sandbox.put_raw_profile(profile(utmSource="first", cv=file()))
        s.cycle(media_retry=0.01)
        s.sandbox.withdraw_profile("bad")
        s.sandbox.put_raw_profile(profile(utmSource=["second"]))
        s.cycle(media_retry=0.01)
        assert waiting_ids(s) == ["bad"]
        s.sandbox.clear_faults()
        settle(s)
        assert s.value("SELECT state FROM ats.media WHERE profile_id = 'bad'") == "stored"
        assert confirmed(s)[typed("bad")] == 0
        assert s.value("SELECT utm_source FROM ats.application WHERE profile_id = 'bad'") == "first"

        s.sandbox.withdraw_profile("bad")
        s.sandbox.put_raw_profile(profile(utmSource="third"))
        settle(s)
        assert confirmed(s)[typed("bad")] == 1
        assert waiting_ids(s) == []
        s.assert_complete()


def test_an_unreadable_version_is_overtaken_when_pitchyou_lists_the_stored_version_again(
    database_url: str, tmp_path: Path
) -> None:
    """Its bytes are known, but skipping it would leave the entry in quarantine, and the application unconfirmed, for ever."""
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.inject(Fault("confirm", "status", status=403, times=None))
        for payload in (profile(utmSource="first"), profile(utmSource=["second"])):
            s.sandbox.put_raw_profile(payload)
            s.cycle()
            s.sandbox.withdraw_profile("bad")
        assert waiting_ids(s) == ["bad"]
        s.sandbox.clear_faults()
        s.execute("UPDATE ats.application SET confirm_retry_at = now() WHERE confirm_error IS NOT NULL")
        s.sandbox.put_raw_profile(profile(utmSource="first"))
        ended = s.cycle()
        assert (ended.outcome, ended.tally.changed) == (Outcome.OK, 0)
        assert waiting_ids(s) == []
        assert confirmed(s)[typed("bad")] == 1
        assert_idle(s)


@pytest.mark.parametrize("batch_size", [1, 500])
def test_of_a_profile_id_given_twice_in_one_answer_the_last_wins_in_every_cycle(
    batch_size: int, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD, batch_size=batch_size) as s:
        for source in ("first", "second", "last"):
            s.sandbox.put_raw_profile(profile(utmSource=source))
            s.sandbox.add_profiles(1)
        settle(s)
        (row,) = s.rows("SELECT utm_source, revision FROM ats.application WHERE profile_id = 'bad'")
        assert row == {"utm_source": "last", "revision": 1}
        assert confirmed(s)[typed("bad")] == 1
        assert len(landed(s)) == 7
        assert_idle(s)


def test_a_readable_profile_does_not_win_over_a_later_bad_one_with_its_id(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.put_raw_profile(profile(utmSource="first"))
        s.sandbox.put_raw_profile(NOT_JSON["NaN"])
        s.cycle()
        assert waiting_ids(s) == ["bad"]
        assert "bad" not in landed(s)
        assert confirmed(s)[typed("bad")] == 0
        assert_idle(s)


def test_what_only_postgres_refuses_is_quarantined_alone(database_url: str, tmp_path: Path) -> None:
    """A rule in the database that syncd knows nothing of, such as a constraint that somebody has added."""
    with scene(database_url, tmp_path / "m", config=GOOD, batch_size=500) as s:
        s.execute("ALTER TABLE ats.application ADD CHECK (utm_source <> 'no')")
        s.sandbox.put_raw_profile(profile(utmSource="no"))
        s.sandbox.add_profiles(2)
        ended = s.cycle()
        assert (ended.error, ended.tally.new, ended.tally.confirmed, ended.tally.quarantined) == (
            None,
            5,
            5,
            1,
        )
        (entry,) = quarantined(s)
        assert (entry["stage"], bytes(entry["payload"])) == ("land", profile(utmSource="no"))
        assert "23514" in entry["error"]
        s.cycle()
        assert waiting_ids(s) == ["bad"]
        s.assert_complete()


def test_a_retry_judges_every_bad_profile_as_the_list_does(database_url: str, tmp_path: Path) -> None:
    """A retry reads them without the list around them; none may slip through, and none may end it."""
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        for each in BAD.values():
            s.sandbox.put_raw_profile(each.replace(b'"bad"', b'"%s"' % str(hash(each)).encode()))
        s.sandbox.put_raw_profile(profile(x="y" * 20_000_000))
        s.cycle()
        waiting = quarantined(s)
        work = prepare_work(s.client, s.outsides, s.stop)
        retried = retry_quarantined(work)
        assert (retried.landed, retried.overtaken, retried.still_bad) == (0, 0, len(waiting))
        assert landed(s) == set()
        again = quarantined(s)
        assert [entry["payload"] for entry in again] == [entry["payload"] for entry in waiting]
        assert {entry["attempts"] for entry in again} == {2}
