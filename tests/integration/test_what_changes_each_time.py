"""A field that is new in each answer: an address that is signed anew, a time, a counter. It fills neither tables nor the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from syncd.sandbox import SandboxConfig
from syncd.store import applications
from tests.integration.settling import LIST, calls
from tests.scene import scene

NONE = SandboxConfig(profiles=0, after_confirm="stay")
OPEN = "SELECT profile_id, payload, attempts, error FROM ops.quarantine WHERE resolved_at IS NULL ORDER BY quarantine_id"
_numbers = count()


def uri() -> dict[str, str]:
    return {"downloadUri": f"https://files.example/x?sig={next(_numbers):05}"}


BAD: dict[str, Callable[[], object]] = {
    "not an application": lambda: {"profileId": "P", "steps": 7, "cv": uri()},
    "a time in each list": lambda: {"profileId": "P", "steps": 7, "servedAt": next(_numbers)},
    "a step that moves": lambda: {"profileId": "P", "steps": [{}] * next(_numbers) + [7]},
    "with an older version": lambda: {"profileId": "P", "cv": "text", "n": next(_numbers)},
}


@pytest.mark.parametrize("kind", BAD)
def test_unreadable_profile_with_a_changing_field_has_one_entry_with_the_newest_bytes(
    kind: str, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with scene(database_url, tmp_path / "m", config=NONE) as s:
        for poll in range(1, 5):
            newest = json.dumps(BAD[kind]()).encode()
            s.sandbox.put_raw_profile(newest)
            assert s.cycle().tally.quarantined == 1
            (entry,) = s.rows(OPEN)
            assert (entry["profile_id"], bytes(entry["payload"]), entry["attempts"]) == ("P", newest, poll)
        assert capsys.readouterr().err.count('"profile_quarantined"') == 1


@pytest.mark.parametrize("ending", ["", ', "x": NaN'])
def test_element_without_an_id_and_with_a_signed_address_has_one_entry(
    ending: str, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=NONE) as s:
        for _ in range(3):
            address = json.dumps(uri())
            s.sandbox.put_raw_profile(f'{{"cv": {address}{ending}}}'.encode())
            assert s.cycle().error is None
        assert len(s.rows(OPEN)) == 1


def test_elements_without_an_id_are_all_kept(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=NONE) as s:
        for number in range(3):
            s.sandbox.put_raw_profile(b'{"steps": 7, "name": %d}' % number)
        s.cycle()
        assert len(s.rows(OPEN)) == 3


def test_versions_that_postgres_refuses_are_bounded(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=NONE) as s:
        s.execute("ALTER TABLE ats.application ADD CONSTRAINT ck_x CHECK (utm_source IS NULL)")
        for number in range(12):
            newest = b'{"profileId": "P", "utmSource": "%d"}' % number
            s.sandbox.put_raw_profile(newest)
            s.cycle()
        entries = s.rows(OPEN)
        assert len(entries) == 10
        assert bytes(entries[-1]["payload"]) == newest


def test_applications_that_only_change_are_polled_for_once_told_once_and_their_payloads_bounded(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(applications, "KEPT_PAYLOADS", 4)
    with scene(database_url, tmp_path / "m", config=NONE) as s:
        for _ in range(8):
            for name in ("P", "Q"):
                s.sandbox.put_raw_profile(
                    b'{"profileId": "%s", "views": %d}' % (name.encode(), next(_numbers))
                )
            before = len(calls(s, LIST))
            ended = s.cycle()
            assert (ended.error, ended.tally.confirmed) == (None, 2)
            assert len(calls(s, LIST)) - before == (2 if ended.tally.new else 1)
        assert s.rows("SELECT profile_id, revision, confirmed_revision FROM ats.application ORDER BY 1") == [
            {"profile_id": name, "revision": 8, "confirmed_revision": 8} for name in ("P", "Q")
        ]
        kept = s.rows(
            "SELECT profile_id, array_agg(revision ORDER BY revision) AS r FROM ats.application_raw GROUP BY 1"
        )
        assert [row["r"] for row in kept] == [[1, 6, 7, 8]] * 2
        lines = [line for line in capsys.readouterr().err.splitlines() if "profiles_keep_changing" in line]
        assert len(lines) == 1
        assert json.loads(lines[0])["changed"] == 2
