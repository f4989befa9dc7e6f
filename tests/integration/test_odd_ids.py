"""17 and "17" are one id to syncd, and may be two applications to PitchYou: neither may replace the other (ADR 31)."""

from pathlib import Path
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.sync.client_cycle import Ended, prepare_work
from syncd.sync.retry_quarantine import retry_quarantined
from tests.integration.scripted import Script, listing, scripted
from tests.integration.settling import quarantined
from tests.scene import Row


def one(wire_id: Any, source: str, **more: Any) -> dict[str, Any]:
    return {"profileId": wire_id, "steps": [{"question": "?", "answer": source}], "utmSource": source, **more}


def stored(script: Script) -> list[Row]:
    return script.scene.rows("SELECT wire_id, utm_source, revision, confirmed_revision FROM ats.application")


NUMBER, TEXT = one(17, "number"), one("17", "text")


@pytest.mark.parametrize("batch_size", [1, 500])
@pytest.mark.parametrize(("first", "last"), [(NUMBER, TEXT), (TEXT, NUMBER)])
def test_of_two_ids_that_differ_in_their_json_type_one_is_stored_and_the_other_kept_in_quarantine(
    first: dict[str, Any], last: dict[str, Any], batch_size: int, database_url: str, tmp_path: Path
) -> None:
    lists = [listing(first, last), listing(first, last), listing(first)]
    with scripted(database_url, tmp_path / "m", lists, batch_size=batch_size) as script:
        for _ in range(4):
            ended = script.scene.cycle(max_polls=1)
            assert (ended.outcome, ended.tally.quarantined) == (Outcome.PARTIAL, 1)
            # PitchYou no longer lists what was confirmed; the other one must not replace it.
            (row,) = stored(script)
            assert (row["utm_source"], row["revision"], row["confirmed_revision"]) == (
                last["utmSource"],
                1,
                1,
            )
            (entry,) = quarantined(script.scene)
            assert (entry["profile_id"], b'"%b"' % first["utmSource"].encode() in entry["payload"]) == (
                None,
                True,
            )
        assert script.confirms == [[last["profileId"]]]
        assert type(script.confirms[0][0]) is type(last["profileId"])


def test_a_twin_that_comes_later_neither_replaces_the_stored_one_nor_keeps_it_from_being_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    newer = one(17, "newer")
    lists = [listing(NUMBER), listing(TEXT), listing(newer, TEXT)]
    with scripted(database_url, tmp_path / "m", lists) as script:
        outcomes = [script.scene.cycle(max_polls=1).outcome for _ in range(3)]
        assert outcomes == [Outcome.OK, Outcome.PARTIAL, Outcome.PARTIAL]
        assert script.confirms == [[17], [17]]
        (row,) = stored(script)
        assert (row["wire_id"], row["utm_source"], row["revision"]) == ("17", "newer", 2)
        assert len(quarantined(script.scene)) == 1


def test_a_retry_of_the_quarantine_does_not_land_a_twin(database_url: str, tmp_path: Path) -> None:
    with scripted(database_url, tmp_path / "m", [listing(NUMBER, TEXT)]) as script:
        script.scene.cycle()
        retried = retry_quarantined(
            prepare_work(script.scene.client, script.scene.outsides, script.scene.stop)
        )
        assert (retried.landed, retried.still_bad) == (0, 1)
        assert [row["utm_source"] for row in stored(script)] == ["text"]
        assert "JSON type" in quarantined(script.scene)[0]["error"]


def test_one_id_twice_with_the_same_type_is_still_one_application(database_url: str, tmp_path: Path) -> None:
    ended: list[Ended] = []
    for place, pair in enumerate(((NUMBER, one(17, "last")), (TEXT, one("17", "last")))):
        with scripted(database_url, tmp_path / f"m{place}", [listing(*pair)]) as script:
            script.scene.execute("TRUNCATE ats.application CASCADE")
            ended.append(script.scene.cycle())
            assert [row["utm_source"] for row in stored(script)] == ["last"]
    assert [each.outcome for each in ended] == [Outcome.OK, Outcome.OK]
