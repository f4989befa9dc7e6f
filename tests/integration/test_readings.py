"""The cycle is right under every reading of the article that the sandbox can play (contract A1, S2.1, S2.2, S2.3)."""

from pathlib import Path
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from tests.integration.settling import (
    CONFIRM,
    LIST,
    MEDIA,
    assert_confirmed_once_each,
    assert_idle,
    calls,
    landed,
    row_versions,
    settle,
    states,
)
from tests.scene import scene

READINGS: dict[str, dict[str, Any]] = {
    "confirmed profiles leave the list": {},
    "confirmed profiles stay listed for ever": {"after_confirm": "stay"},
    "each profile is listed in one answer only": {"after_confirm": "once"},
    "lists are capped and confirmed profiles leave": {"list_cap": 7},
    "lists are capped and confirmed profiles stay": {"list_cap": 7, "after_confirm": "stay"},
    "lists are capped and show each profile once": {"list_cap": 7, "after_confirm": "once"},
    "the list has a Content-Length": {"list_transfer": "length"},
    "ids are integers": {"id_type": "integer", "after_confirm": "stay"},
    "ids are GUIDs": {"id_type": "guid"},
    "ids have reserved characters": {"id_type": "reserved", "after_confirm": "stay"},
    "answers are text only": {"answer_kinds": "text"},
    "cv and profileImage are arrays": {"media_fields": "array", "after_confirm": "stay"},
    "downloadUri is absolute": {"download_uri": "absolute", "after_confirm": "stay"},
    "downloadUri is elsewhere": {"download_uri": "elsewhere"},
    "downloadUri is signed anew in each answer": {"signed_uris": True, "after_confirm": "stay"},
    "there are many files": {"media_per_profile": 4.0},
    "there are no files": {"media_per_profile": 0.0},
    "some media come late": {"media_late": 0.3, "media_late_tries": 2},
    "some media come late, each profile listed once": {"media_late": 0.3, "after_confirm": "once"},
    "some media are gone with 404": {"media_gone": 0.2},
    "some media are gone with 410": {"media_gone": 0.2, "media_gone_status": 410, "after_confirm": "stay"},
    "media vanish with the confirm": {"media_after_confirm": False, "after_confirm": "stay"},
    "the confirm is wrapped": {"confirm_wrapper": "profileIds"},
    "the confirm refuses unknown ids": {"confirm_strict": True},
    "a second confirm is refused": {"confirm_again_status": 409, "after_confirm": "stay"},
    "credentials as HTTP Basic": {"token_auth": "basic", "client_secret": "s:ü %&+"},
    "token request as JSON": {"token_format": "json", "client_secret": 's:ü %&+"'},
    "token request as JSON with HTTP Basic": {"token_format": "json", "token_auth": "basic"},
    "expires_in is a numeric string": {"expires_in_string": True},
    "expires_in is absent": {"token_lifetime": None},
    "tokens live for two seconds": {"token_lifetime": 2},
}


def api_arguments(switches: dict[str, Any]) -> dict[str, Any]:
    """The settings that a client of this reading has to be given; under all other readings it needs none."""
    return {
        key: switches[key] for key in ("token_auth", "token_format", "confirm_wrapper") if key in switches
    }


@pytest.mark.parametrize("reading", READINGS)
def test_everything_is_stored_confirmed_once_and_then_left_alone_when(
    reading: str, database_url: str, tmp_path: Path
) -> None:
    switches = {"profiles": 12, **READINGS[reading]}
    api = api_arguments(switches)
    with scene(database_url, tmp_path / "m", config=SandboxConfig(**switches), api=api, batch_size=5) as s:
        # A file that is late must not count as gone, however slow the machine is.
        ended = settle(s, media_gone_after=0.3 if "media_gone" in switches else 300.0)
        assert [each.error for each in ended] == [None] * len(ended)
        s.assert_complete()
        assert len(landed(s)) == 12
        assert_confirmed_once_each(s)
        stored = {row["p"] for row in s.rows("SELECT storage_path p FROM ats.media WHERE state = 'stored'")}
        assert s.files() == stored
        assert ("gone" in states(s)) == ("media_gone" in switches)
        assert set(states(s)) <= {"stored", "gone"}
        assert_idle(s)


def test_a_capped_list_is_read_to_its_end_within_one_cycle(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=20, list_cap=4)) as s:
        ended = s.cycle()
        assert (ended.outcome, ended.tally.confirmed) == (Outcome.OK, 20)
        assert len(calls(s, LIST)) == 6  # five full ones and one that brings nothing new


def test_polls_of_one_cycle_are_bounded(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=20, list_cap=4), max_polls=2) as s:
        assert s.cycle().tally.confirmed == 8
        assert len(calls(s, LIST)) == 2


def test_an_empty_list_is_nothing_to_do(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        ended = s.cycle()
        assert (ended.outcome, ended.error, ended.tally.seen) == (Outcome.OK, None, 0)
        assert calls(s, CONFIRM) == []


def test_a_profile_that_is_not_listed_any_more_keeps_every_row_and_file(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=6, after_confirm="stay")
    with scene(database_url, tmp_path / "m", config=config) as s:
        settle(s)
        rows, files = row_versions(s), s.files()
        for profile in list(s.sandbox.expected()):
            s.sandbox.withdraw_profile(profile["profileId"])
        settle(s)
        assert row_versions(s) == rows
        assert s.files() == files


def test_what_is_stored_is_confirmed_even_when_it_is_not_listed_any_more(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=6)) as s:
        ids = {profile["profileId"] for profile in s.sandbox.expected()}
        s.cycle(confirm=False)
        for each in ids:
            s.sandbox.withdraw_profile(each)
        assert s.cycle().tally.confirmed == 6
        assert {each for confirm in s.sandbox.ledger.confirms for each in confirm.ids} == ids
        assert s.sandbox.findings == []


def test_new_profiles_cost_no_write_to_known_ones(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=6, after_confirm="stay")) as s:
        settle(s)
        known = "SELECT profile_id, xmin::text FROM ats.application WHERE profile_id = ANY(:ids) ORDER BY 1"
        ids = sorted(landed(s))
        before, downloads = s.rows(known, ids=ids), len(calls(s, MEDIA))
        s.sandbox.add_profiles(3)
        settle(s)
        assert s.rows(known, ids=ids) == before
        new_files = s.value("SELECT count(*) FROM ats.media WHERE NOT profile_id = ANY(:ids)", ids=ids)
        assert len(calls(s, MEDIA)) - downloads == new_files
        assert_confirmed_once_each(s)
        s.assert_complete()
