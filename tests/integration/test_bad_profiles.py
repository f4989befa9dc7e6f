"""One bad profile among good ones: it goes to quarantine with its bytes, the others are stored and confirmed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from tests.scene import Scene, scene

GOOD = 3


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene(
        database_url, tmp_path / "media", config=SandboxConfig(profiles=GOOD, media_per_profile=1)
    ) as it:
        yield it


def profile(**fields: Any) -> bytes:
    """A minimal good profile as JSON, with some fields replaced."""
    return json.dumps({"profileId": "X-1", "steps": [{"question": "F?", "answer": "A"}], **fields}).encode()


BAD: dict[str, bytes] = {
    "nan": b'{"profileId":"X-1","steps":[{"question":"F","answer":NaN}]}',
    "infinity": b'{"profileId":"X-1","steps":[{"question":"F","answer":-Infinity}]}',
    "number beyond a double": b'{"profileId":"X-1","steps":[{"question":"F","answer":1e999}]}',
    "number of 4,300 digits and more": b'{"profileId":"X-1","n":' + b"9" * 4301 + b"}",
    "duplicate keys": b'{"profileId":"X-1","utmSource":"a","utmSource":"b"}',
    "duplicate keys in a step": b'{"profileId":"X-1","steps":[{"answer":"a","answer":"b"}]}',
    "invalid utf-8": b'{"profileId":"X-1","firstName":"\xff\xfe"}',
    "control character in a string": b'{"profileId":"X-1","firstName":"a\x00b"}',
    "nested beyond 100 levels": b'{"profileId":"X-1","x":' + b"[" * 120 + b"]" * 120 + b"}",
    "a profile of 20 MB": profile(note="x" * 20_000_000),
    "missing profileId": b'{"steps":[]}',
    "null profileId": profile(profileId=None),
    "empty profileId": profile(profileId=""),
    "boolean profileId": profile(profileId=True),
    "fractional profileId": profile(profileId=1.5),
    "object as profileId": profile(profileId={"id": 1}),
    "profileId of 600 bytes": profile(profileId="x" * 600),
    "profileId with a NUL": profile(profileId="a\0b"),
    "profileId with a lone surrogate": b'{"profileId":"a\\ud800"}',
    "externalReferenceId of 2,000 bytes": profile(externalReferenceId="x" * 2000),
    "object as externalReferenceId": profile(externalReferenceId={"a": 1}),
    "array as utmSource": profile(utmSource=["a"]),
    "steps is text": profile(steps="Ja"),
    "steps is an object": profile(steps={"question": "F"}),
    "a step is text": profile(steps=["Ja"]),
    "a step is null": profile(steps=[None]),
    "attachments is text": profile(steps=[{"attachments": "x.pdf"}]),
    "cv is text": profile(cv="x.pdf"),
    "cv is a number": profile(cv=7),
    "cv is an array of text": profile(cv=["x.pdf"]),
    "profileImage is true": profile(profileImage=True),
    "media without mediaId": profile(cv={"fileName": "x.pdf"}),
    "mediaId is an object": profile(cv={"mediaId": {}, "fileName": "x.pdf"}),
    "mediaId of 600 bytes": profile(cv={"mediaId": "m" * 600}),
    "fileName is an object": profile(cv={"mediaId": "m", "fileName": {}}),
    "null": b"null",
    "a number": b"17",
    "a string": b'"X-1"',
    "an array": b"[]",
    "not json": b'{"profileId":"X-1",}',
    "two values": b'{"profileId":"X-1"} {"profileId":"X-2"}',
}


@pytest.mark.parametrize("name", BAD)
def test_bad_profile_is_quarantined_with_its_bytes_and_the_others_are_confirmed(
    world: Scene, name: str
) -> None:
    world.sandbox.put_raw_profile(BAD[name])

    ended = world.cycle()

    assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
    assert world.value("SELECT count(*) FROM ats.application WHERE confirmed_revision = revision") == GOOD
    (entry,) = world.rows("SELECT payload, error, resolved_at, stage FROM ops.quarantine")
    kept = bytes(entry["payload"])
    assert (
        kept == BAD[name]
        if len(BAD[name]) < 16 * 2**20
        else BAD[name].startswith(kept) and len(kept) == 2**20
    )
    assert entry["resolved_at"] is None
    assert len(entry["error"]) > 5
    assert world.sandbox.findings == []


def test_bad_profile_that_is_listed_again_makes_no_second_entry(world: Scene) -> None:
    world.sandbox.put_raw_profile(BAD["steps is text"])
    world.cycle()
    before = world.rows("SELECT xmin::text, * FROM ops.quarantine")

    world.cycle()

    assert world.rows("SELECT xmin::text, * FROM ops.quarantine") == before


def test_entry_is_resolved_when_the_profile_can_be_read_later(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=0, after_confirm="stay")) as world:
        world.sandbox.put_raw_profile(BAD["nan"])
        world.cycle()
        world.sandbox.put_raw_profile(profile())
        ended = world.cycle()

        assert world.value("SELECT count(*) FROM ats.application WHERE profile_id = 'X-1'") == 1
        assert ended.tally.new == 1


def test_nothing_is_confirmed_whose_newest_version_waits_in_quarantine(world: Scene) -> None:
    world.sandbox.put_raw_profile(profile())
    world.cycle(confirm=False)
    world.sandbox.put_raw_profile(BAD["nan"])
    world.cycle(confirm=False)

    world.cycle()

    assert world.value("SELECT confirmed_revision FROM ats.application WHERE profile_id = 'X-1'") == 0
    assert world.value("SELECT count(*) FROM ats.application WHERE confirmed_revision = revision") == GOOD


def test_nul_and_lone_surrogate_are_cleaned_and_the_exact_bytes_kept(world: Scene) -> None:
    raw = b'{"profileId":"X-1","firstName":"a\\u0000b","steps":[{"question":"\\ud83d","answer":{"k\\u0000":"\\udc00"}}]}'
    world.sandbox.put_raw_profile(raw)

    world.cycle()

    assert (
        world.value("SELECT first_name FROM ats.application_contact WHERE profile_id = 'X-1'") == "a\ufffdb"
    )
    (answer,) = world.rows("SELECT question, answer_json FROM ats.answer WHERE profile_id = 'X-1'")
    assert answer == {"question": "\ufffd", "answer_json": {"k\ufffd": "\ufffd"}}
    assert bytes(world.value("SELECT payload FROM ats.application_raw WHERE profile_id = 'X-1'")) == raw


def test_answers_of_every_json_kind_are_kept_readable_and_exact(world: Scene) -> None:
    answers = ["Ja", 3, 2.5, True, None, ["a", "b", 1], {"von": 1}, [{"x": 1}], "", "🚲 Ä"]
    world.sandbox.put_raw_profile(
        profile(steps=[{"question": "F", "answer": a, "type": "t"} for a in answers])
    )

    world.cycle()

    rows = world.rows(
        "SELECT answer, answer_json, extra FROM ats.answer WHERE profile_id = 'X-1' ORDER BY step_no"
    )
    assert [row["answer_json"] for row in rows] == answers
    assert [row["answer"] for row in rows] == [
        "Ja", "3", "2.5", "true", None, "a, b, 1", '{"von":1}', '[{"x":1}]', "", "🚲 Ä",
    ]  # fmt: skip
    assert all(row["extra"] == {"type": "t"} for row in rows)


def test_last_of_two_profiles_with_one_id_wins_and_stays(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path, config=SandboxConfig(profiles=2, after_confirm="stay")) as world:
        world.sandbox.put_raw_profile(profile(utmSource="first"))
        world.sandbox.put_raw_profile(profile(utmSource="last"))
        for _ in range(3):
            world.cycle()
            (row,) = world.rows("SELECT utm_source, revision FROM ats.application WHERE profile_id = 'X-1'")
            assert row == {"utm_source": "last", "revision": 1}


HOSTILE_IDS = [
    "..",
    ".",
    "../../etc/passwd",
    "a/b",
    "CON",
    "x" * 300,
    "\u202eabc",
    "%2e%2e",
    ".tmp",
    "a b",
    "Ä",
]
HOSTILE_NAMES = [
    "../../etc/passwd",
    "a\0b.pdf",
    "CON",
    "\u202efdp.exe",
    "x" * 10_000,
    "/etc/shadow",
    "a\r\nb",
]


@pytest.mark.parametrize("identifier", HOSTILE_IDS)
def test_files_of_hostile_ids_stay_below_the_clients_folder(world: Scene, identifier: str) -> None:
    world.sandbox.put_raw_profile(
        profile(
            profileId=identifier, cv={"mediaId": identifier, "mimeType": "application/pdf", "fileName": "x"}
        )
    )

    ended = world.cycle()

    assert (ended.outcome, ended.error) == (Outcome.OK, None)
    world.assert_complete()
    path = world.value("SELECT storage_path FROM ats.media WHERE profile_id = :id", id=identifier)
    assert (world.media_root / path).resolve().is_relative_to((world.media_root / "acme").resolve())


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_file_name_is_kept_as_text_and_never_used(world: Scene, name: str) -> None:
    world.sandbox.put_raw_profile(profile(cv={"mediaId": "m", "fileName": name}))

    world.cycle()

    world.assert_complete()
    kept = world.value("SELECT file_name FROM ats.media WHERE profile_id = 'X-1'")
    assert kept == name.replace("\0", "\ufffd")
    assert "acme/X-1/m" in world.files()


def test_shapes_of_media_that_are_all_accepted(world: Scene) -> None:
    one, two = ({"mediaId": name, "fileName": f"{name}.pdf"} for name in ("one", "two"))
    empty = {"mediaId": "", "fileName": None, "mimeType": "", "downloadUri": None}
    world.sandbox.put_raw_profile(profile(cv=[one, two], profileImage=one, steps=[{"attachments": one}]))
    world.sandbox.put_raw_profile(profile(profileId="X-2", cv=empty, profileImage=None, steps=None))
    world.sandbox.put_raw_profile(profile(profileId="X-3", cv=[], steps=[]))

    assert world.cycle().outcome is Outcome.OK

    places = world.rows(
        "SELECT role, step_no, ordinal, media_id FROM ats.attachment WHERE profile_id = 'X-1' ORDER BY 1, 2, 3"
    )
    assert [tuple(row.values()) for row in places] == [
        ("cv", -1, 0, "one"),
        ("cv", -1, 1, "two"),
        ("profile_image", -1, 0, "one"),
        ("step", 0, 0, "one"),
    ]
    assert world.value("SELECT count(*) FROM ats.media WHERE profile_id LIKE 'X-%'") == 2
    served = {key: record.count for key, record in world.sandbox.ledger.media.items() if key[1] == "X-1"}
    assert sorted(served.values()) == [1, 1]


def test_value_that_only_postgres_refuses_is_narrowed_down_to_its_profile(world: Scene) -> None:
    world.execute(
        "ALTER TABLE ats.application ADD CONSTRAINT ck_test CHECK (utm_source IS DISTINCT FROM 'refused')"
    )
    world.sandbox.put_raw_profile(profile(utmSource="refused"))

    ended = world.cycle()

    assert ended.tally.quarantined == 1
    assert world.value("SELECT count(*) FROM ats.application WHERE confirmed_revision = revision") == GOOD
    (entry,) = world.rows("SELECT stage, profile_id, error FROM ops.quarantine")
    assert (entry["stage"], entry["profile_id"]) == ("land", "X-1")
    assert "23514" in entry["error"]
