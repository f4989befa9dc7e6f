"""What a profile means decides whether it changed, and a change takes the whole profile along (contract S2.1)."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from syncd.deadline import Deadline
from syncd.sandbox import Fault, SandboxConfig
from syncd.sandbox.ledger import typed
from syncd.store import confirmations
from syncd.store.confirmations import Ready
from tests.integration.settling import (
    CONFIRM,
    LIST,
    MEDIA,
    assert_idle,
    calls,
    confirmed,
    quarantined,
    row_versions,
    settle,
)
from tests.scene import Scene, scene

READINGS = ("leave", "stay", "once")


@contextmanager
def settled(database_url: str, tmp_path: Path, **switches: Any) -> Iterator[Scene]:
    """A scene in which a first load is done."""
    config = SandboxConfig(**{"profiles": 6, "media_per_profile": 3.0, "after_confirm": "stay", **switches})
    with scene(database_url, tmp_path / "m", config=config) as s:
        settle(s)
        yield s


def one_with_media(s: Scene) -> tuple[str, list[str]]:
    """A profile that has files, and their ids."""
    (row,) = s.rows(
        "SELECT profile_id, array_agg(media_id ORDER BY media_id) AS media FROM ats.media "
        "GROUP BY 1 HAVING count(*) >= 2 ORDER BY 1 LIMIT 1"
    )
    return row["profile_id"], row["media"]


def revision(s: Scene, profile_id: str) -> tuple[int, int]:
    (row,) = s.rows(
        "SELECT revision, confirmed_revision FROM ats.application WHERE profile_id = :id", id=profile_id
    )
    return row["revision"], row["confirmed_revision"]


@pytest.mark.parametrize("reading", READINGS)
def test_a_changed_profile_is_replaced_fetched_and_confirmed_once_more(
    reading: str, database_url: str, tmp_path: Path
) -> None:
    with settled(database_url, tmp_path, after_confirm=reading) as s:
        profile_id, media = one_with_media(s)
        before = s.rows("SELECT * FROM ats.application WHERE profile_id <> :id ORDER BY 2", id=profile_id)
        downloads = len(calls(s, MEDIA))
        s.sandbox.change_profile(
            profile_id, answers={0: "Nein, doch nicht"}, add_media=2, fields={"email": "neu@example.org"}
        )
        ended = settle(s)
        assert ended[0].tally.changed == 1
        assert revision(s, profile_id) == (2, 2)
        assert s.rows(
            "SELECT a.answer, c.email FROM ats.answer a JOIN ats.application_contact c USING (client_id, profile_id) "
            "WHERE profile_id = :id AND step_no = 0",
            id=profile_id,
        ) == [{"answer": "Nein, doch nicht", "email": "neu@example.org"}]
        assert len(calls(s, MEDIA)) - downloads == 2  # what was there already is not fetched again
        assert len(one_with_media(s)[1]) == len(media) + 2
        assert confirmed(s)[typed(profile_id)] == 2
        assert set(Counter(confirmed(s).values())) == {1, 2}
        assert (
            s.rows("SELECT * FROM ats.application WHERE profile_id <> :id ORDER BY 2", id=profile_id)
            == before
        )
        s.assert_complete()
        assert_idle(s)


def test_every_revision_keeps_the_bytes_it_came_in(database_url: str, tmp_path: Path) -> None:
    with settled(database_url, tmp_path) as s:
        profile_id, _ = one_with_media(s)
        for number in (1, 2):
            s.sandbox.change_profile(profile_id, answers={0: f"Fassung {number}"})
            settle(s)
        kept = s.rows(
            "SELECT revision, payload FROM ats.application_raw WHERE profile_id = :id ORDER BY 1",
            id=profile_id,
        )
        assert [row["revision"] for row in kept] == [1, 2, 3]
        answers = [json.loads(bytes(row["payload"]))["steps"][0]["answer"] for row in kept]
        assert answers[1:] == ["Fassung 1", "Fassung 2"]


def test_steps_that_a_new_version_does_not_have_any_more_are_gone(database_url: str, tmp_path: Path) -> None:
    with settled(database_url, tmp_path, media_per_profile=0.0) as s:
        profile_id = s.rows("SELECT profile_id FROM ats.application ORDER BY 1 LIMIT 1")[0]["profile_id"]
        s.sandbox.change_profile(profile_id, fields={"steps": [{"question": "Nur noch eine", "answer": 1}]})
        settle(s)
        rows = s.rows("SELECT step_no, question FROM ats.answer WHERE profile_id = :id", id=profile_id)
        assert rows == [{"step_no": 0, "question": "Nur noch eine"}]
        s.assert_complete()


def test_a_file_that_a_new_version_drops_goes_with_its_row_also_when_it_comes_back_later(
    database_url: str, tmp_path: Path
) -> None:
    with settled(database_url, tmp_path) as s:
        profile_id, media = one_with_media(s)
        original = next(p for p in s.sandbox.expected() if p["profileId"] == profile_id)
        path = s.value("SELECT storage_path FROM ats.media WHERE media_id = :id", id=media[0])
        assert path in s.files()
        s.sandbox.change_profile(profile_id, drop_media=media[:1])
        settle(s)
        assert s.value("SELECT count(*) FROM ats.media WHERE media_id = :id", id=media[0]) == 0
        assert path not in s.files()
        assert s.value("SELECT count(*) FROM ops.media_removal") == 0
        s.assert_complete()

        downloads = len(calls(s, MEDIA))
        s.sandbox.change_profile(profile_id, fields=original)
        settle(s)
        assert s.value("SELECT state FROM ats.media WHERE media_id = :id", id=media[0]) == "stored"
        assert path in s.files()
        assert len(calls(s, MEDIA)) - downloads == 1
        s.assert_complete()
        assert_idle(s)


def test_a_file_that_is_dropped_and_named_again_before_the_disk_was_cleaned_stays(
    database_url: str, tmp_path: Path
) -> None:
    """The list of files to remove is older than the row: a crash may lie between the two."""
    with settled(database_url, tmp_path) as s:
        profile_id, media = one_with_media(s)
        path = s.value("SELECT storage_path FROM ats.media WHERE media_id = :id", id=media[0])
        s.execute("INSERT INTO ops.media_removal VALUES ('acme', :p, :m)", p=profile_id, m=media[0])
        s.cycle()
        assert path in s.files()
        assert s.value("SELECT count(*) FROM ops.media_removal") == 0
        s.assert_complete()


def test_removals_left_by_a_crash_are_finished_by_the_next_cycle(database_url: str, tmp_path: Path) -> None:
    with settled(database_url, tmp_path) as s:
        profile_id, media = one_with_media(s)
        path = s.value("SELECT storage_path FROM ats.media WHERE media_id = :id", id=media[0])
        s.execute("DELETE FROM ats.media WHERE media_id = :m", m=media[0])
        s.execute("INSERT INTO ops.media_removal VALUES ('acme', :p, :m)", p=profile_id, m=media[0])
        s.sandbox.inject(Fault("profiles", "drop_before", times=None))  # PitchYou's outage does not matter
        s.cycle(cycle_deadline=5)
        assert path not in s.files()


def test_a_change_between_landing_and_confirm_confirms_the_newest_revision_only(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=4, after_confirm="stay")
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.cycle(confirm=False)
        profile_id = s.rows("SELECT profile_id FROM ats.application ORDER BY 1 LIMIT 1")[0]["profile_id"]
        s.sandbox.change_profile(profile_id)
        s.cycle(confirm=False)
        assert revision(s, profile_id) == (2, 0)
        settle(s)
        assert revision(s, profile_id) == (2, 2)
        assert confirmed(s)[typed(profile_id)] == 1
        s.assert_complete()


def test_a_confirm_of_an_older_revision_does_not_count_for_the_newer_one(
    database_url: str, tmp_path: Path
) -> None:
    """Another process may land a change while the confirm of what was there before is under way."""
    with settled(database_url, tmp_path) as s:
        profile_id, _ = one_with_media(s)
        s.sandbox.change_profile(profile_id)
        s.cycle(confirm=False)
        older = [Ready(profile_id, json.dumps(profile_id), 1, refused_before=False)]
        s.outsides.database.transact(lambda c: confirmations.record(c, "acme", older), Deadline(10))
        assert revision(s, profile_id) == (2, 1)
        settle(s)
        assert revision(s, profile_id) == (2, 2)
        s.assert_complete()


def test_new_signatures_in_download_uris_are_no_change(database_url: str, tmp_path: Path) -> None:
    with settled(database_url, tmp_path, signed_uris=True) as s:
        lists, rows = len(calls(s, LIST)), row_versions(s)
        for _ in range(2):
            ended = s.cycle()
            assert (ended.tally.unchanged, ended.tally.changed) == (6, 0)
        assert len(calls(s, LIST)) == lists + 2
        assert row_versions(s) == rows


def test_key_order_whitespace_and_escapes_are_no_change(database_url: str, tmp_path: Path) -> None:
    profile = {
        "profileId": "Ü-1",
        "utmSource": "größe 🙂",
        "steps": [{"question": "Wie heißt du?", "answer": {"b": [1, 2.5], "a": "ä/b"}}],
    }
    spellings = [
        json.dumps(profile, ensure_ascii=False, separators=(",", ":")),
        json.dumps(profile, ensure_ascii=True),
        json.dumps(profile, ensure_ascii=False, indent=4).replace("\n", "\r\n\t"),
        json.dumps(dict(reversed(profile.items())), ensure_ascii=False).replace("/", "\\/"),
        json.dumps(profile).replace("1, 2.5", "1, 2.50e0"),
    ]
    assert len(set(spellings)) == len(spellings)
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0, after_confirm="stay")) as s:
        s.sandbox.put_raw_profile(spellings[0].encode())
        settle(s)
        rows, asked = row_versions(s), len(calls(s, CONFIRM))
        for spelling in spellings[1:]:
            s.sandbox.withdraw_profile("Ü-1")
            s.sandbox.put_raw_profile(spelling.encode())
            ended = s.cycle()
            assert (ended.tally.seen, ended.tally.unchanged) == (1, 1)
        assert row_versions(s) == rows
        assert len(calls(s, CONFIRM)) == asked
        assert quarantined(s) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"answer": 1}, {"answer": "1"}),
        ({"answer": 1}, {"answer": True}),
        ({"answer": None}, {}),
        ({"answer": ["a", "b"]}, {"answer": ["b", "a"]}),
        ({"answer": "a", "kept": "x"}, {"answer": "a", "kept": "y"}),
    ],
)
def test_a_change_of_meaning_is_a_change(
    before: dict[str, Any], after: dict[str, Any], database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0, after_confirm="stay")) as s:
        for step in (before, after):
            s.sandbox.withdraw_profile("X")
            s.sandbox.put_raw_profile(json.dumps({"profileId": "X", "steps": [step]}).encode())
            settle(s)
        assert revision(s, "X") == (2, 2)
