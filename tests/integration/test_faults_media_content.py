"""Files that are not what was announced: empty, too large, of another type (contract S2.2, faults.md)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncd.media.vault import Vault
from syncd.model import Outcome
from syncd.sandbox import Fault, SandboxConfig
from tests.integration.settling import MEDIA, assert_confirmed_once_each, calls, confirmed, settle, states
from tests.scene import Scene, scene


def one_file(s: Scene) -> tuple[str, str]:
    """The ids of one file that PitchYou will list: of its profile, and its own."""
    for profile in s.sandbox.expected():
        if profile.get("cv"):
            return profile["profileId"], profile["cv"]["mediaId"]
    raise AssertionError("no profile has a cv")


def media_row(s: Scene, media_id: str) -> dict[str, Any]:
    (row,) = s.rows("SELECT * FROM ats.media WHERE media_id = :id", id=media_id)
    return row


def test_an_empty_file_is_stored_when_content_length_says_so(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=3)) as s:
        _, media_id = one_file(s)
        s.sandbox.inject(Fault("media", "empty", match=media_id))
        settle(s)
        row = media_row(s, media_id)
        assert (row["state"], row["size_bytes"], row["mime_sniffed"]) == ("stored", 0, None)
        assert (s.media_root / row["storage_path"]).stat().st_size == 0
        s.assert_complete()


@pytest.mark.parametrize("kind", ["announced", "endless"])
def test_a_file_over_the_cap_is_rejected_and_stored_once_the_cap_is_raised(
    kind: str, database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=4, media_size=30_000, reject_above=100_000, after_confirm="stay")
    with scene(database_url, tmp_path / "m", config=config, max_bytes=100_000) as s:
        profile_id, media_id = one_file(s)
        if kind == "endless":
            s.sandbox.inject(Fault("media", "endless", match=media_id))
        else:
            s.outsides = replace(s.outsides, vault=Vault(s.media_root, max_bytes=20_000))
        ended = s.cycle()
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert media_row(s, media_id)["state"] == "rejected"
        assert ended.tally.media_rejected == (1 if kind == "endless" else states(s)["rejected"])
        assert profile_id not in {each for _, each in confirmed(s)}
        requests = len(calls(s, MEDIA))
        s.cycle()
        assert len(calls(s, MEDIA)) == requests  # not asked for again under the same cap
        assert not [file for file in s.files() if file.startswith(".tmp")]

        s.outsides = replace(s.outsides, vault=Vault(s.media_root, max_bytes=200_000))
        settle(s)
        assert set(states(s)) == {"stored"}
        s.assert_complete()
        assert_confirmed_once_each(s)


def test_a_file_of_another_type_than_told_is_stored_and_its_real_type_recorded(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=4)) as s:
        _, media_id = one_file(s)
        s.sandbox.inject(Fault("media", "wrong_type", match=media_id))
        settle(s)
        row = media_row(s, media_id)
        assert row["state"] == "stored"
        assert row["mime_type"] == "application/pdf"
        assert row["mime_sniffed"] not in (None, "application/pdf")
        s.assert_complete()


def test_files_are_sniffed_as_what_they_are(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=12, media_per_profile=4.0)) as s:
        settle(s)
        rows = s.rows("SELECT DISTINCT mime_type, mime_sniffed FROM ats.media")
        assert {row["mime_type"] for row in rows} == {"application/pdf", "image/jpeg", "video/mp4"}
        assert all(row["mime_type"] == row["mime_sniffed"] for row in rows)
