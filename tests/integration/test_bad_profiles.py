"""One bad profile among good ones: kept with its bytes, and nobody else is held up (faults.md, "one bad profile")."""

import json
from pathlib import Path
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from syncd.sandbox.ledger import typed
from tests.integration.settling import (
    assert_idle,
    confirmed,
    landed,
    quarantined,
    settle,
)
from tests.scene import scene

GOOD = SandboxConfig(profiles=3, media_per_profile=0.0, after_confirm="stay")


def profile(**fields: Any) -> bytes:
    return json.dumps({"profileId": "bad", "steps": [], **fields}).encode()


def in_step(**fields: Any) -> bytes:
    return profile(steps=[{"question": "?", "answer": "!"}, fields])


def file(**fields: Any) -> dict[str, Any]:
    return {"mediaId": "m", "mimeType": "application/pdf", "fileName": "a.pdf", **fields}


TEXT_KEYS = ("externalReferenceId", "jobTemplateKey", "utmSource", "utmMedium", "utmCampaign", "utmContent")
NOT_AN_ID: tuple[Any, ...] = (None, True, False, 1.5, {"a": 1}, ["a"], "", "a\0b", "\ud800", "x" * 513)
NO_ATTACHMENTS: tuple[Any, ...] = ("m", 7, True, ["m"], [[]])
WRONG_SHAPES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(TEXT_KEYS, ({"a": 1}, ["a"])),
    "steps": ("text", 7, True, {"question": "?"}, ["text"], [7], [None], [["?"]]),
    "cv": ("cv.pdf", 7, False, ["m"], {"fileName": "no mediaId.pdf"}),
    "profileImage": ("x", 0, True, [[file()]]),
}

WRONG_TYPES: dict[str, bytes] = {
    **{
        f"{key} is {value!r}": profile(**{key: value})
        for key, values in WRONG_SHAPES.items()
        for value in values
    },
    **{f"attachments is {value!r}": in_step(attachments=value) for value in NO_ATTACHMENTS},
    **{f"mediaId is {value!r}": profile(cv=file(mediaId=value)) for value in NOT_AN_ID},
    **{
        f"{key} is an object": profile(cv=file(**{key: {"a": 1}}))
        for key in ("mimeType", "fileName", "downloadUri")
    },
}

NO_ID: dict[str, bytes] = {
    "profileId is missing": b'{"steps":[]}',
    **{f"profileId is {value!r}": profile(profileId=value) for value in NOT_AN_ID},
    "profileId has 257 letters of two bytes": profile(profileId="ü" * 257),
    "profileId has 513 digits": b'{"profileId":%s}' % (b"9" * 513),
    "profileId has 5,000 digits": b'{"profileId":%s}' % (b"9" * 5000),
    "the element is an empty object": b"{}",
    **{
        f"the element is {text.decode()}": text
        for text in (b"1", b"-1.5e3", b'"bad"', b"null", b"true", b"[]")
    },
    "the element is an array of profiles": b'[{"profileId":"bad"}]',
}

NOT_JSON: dict[str, bytes] = {
    "NaN": b'{"profileId":"bad","x":NaN}',
    "Infinity": b'{"profileId":"bad","x":Infinity}',
    "-Infinity": b'{"profileId":"bad","steps":[{"answer":-Infinity}]}',
    "1e999": b'{"profileId":"bad","x":1e999}',
    "a number of 4,301 digits": b'{"profileId":"bad","x":%s}' % (b"7" * 4301),
    "a key twice": b'{"profileId":"bad","x":1,"x":1}',
    "a key twice, deep inside": b'{"profileId":"bad","steps":[{"extra":{"y":[{"x":1,"x":2}]}}]}',
    "invalid UTF-8": b'{"profileId":"bad","x":"\xff\xfe"}',
    "a surrogate as bytes": b'{"profileId":"bad","x":"\xed\xa0\x80"}',
    "an overlong NUL": b'{"profileId":"bad","x":"\xc0\x80"}',
    "a raw newline in a string": b'{"profileId":"bad","x":"a\nb"}',
    "a raw NUL in a string": b'{"profileId":"bad","x":"a\0b"}',
    "a bad escape": b'{"profileId":"bad","x":"\\x41"}',
    "a missing colon": b'{"profileId":"bad","x" 1}',
    "an unquoted key": b'{"profileId":"bad",x:1}',
    "single quotes": b"{'profileId':'bad'}",
    "a comment": b'{"profileId":"bad" /* note */}',
    "a trailing comma": b'{"profileId":"bad",}',
    "a leading zero": b'{"profileId":"bad","x":01}',
    "a byte order mark": b'\xef\xbb\xbf{"profileId":"bad"}',
    "brackets of two kinds": b'{"profileId":"bad","x":[1}}',
    "two objects without a comma": b'{"profileId":"bad"}{"profileId":"worse"}',
    "101 levels of nesting": b'{"profileId":"bad","x":%s1%s}' % (b"[" * 99, b"]" * 99),
    "100,000 levels of nesting": b'{"profileId":"bad","x":%s1%s}' % (b"[" * 100_000, b"]" * 100_000),
}

BAD = {**WRONG_TYPES, **NO_ID, **NOT_JSON}


# One of each kind comes alone; all of them come together.
ALONE = [next(iter(kind)) for kind in (WRONG_TYPES, NO_ID, NOT_JSON)]


@pytest.mark.parametrize("what", ALONE, ids=lambda what: what[:60])
def test_a_bad_profile_waits_in_quarantine_with_its_bytes_and_the_others_proceed(
    what: str, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.put_raw_profile(BAD[what])
        s.sandbox.add_profiles(2)
        ended = s.cycle()
        assert (ended.error, ended.outcome) == (None, Outcome.PARTIAL)
        assert (ended.tally.new, ended.tally.confirmed, ended.tally.quarantined) == (5, 5, 1)
        (entry,) = quarantined(s)
        assert bytes(entry["payload"]) == BAD[what]
        assert entry["stage"] == "read"
        assert entry["error"]
        assert entry["profile_id"] in ("bad", None)
        ids = {typed(each["profileId"]) for each in s.sandbox.expected()}
        assert confirmed(s) == dict.fromkeys(ids, 1)
        assert landed(s) == {each for _, each in ids}
        s.assert_complete()
        assert_idle(s)  # listed again, it makes no second entry


def test_bad_profiles_of_all_kinds_wait_in_quarantine_with_their_bytes_and_the_others_proceed(
    database_url: str, tmp_path: Path
) -> None:
    listed = [
        payload.replace(b'"bad"', b'"bad-%d"' % number) for number, payload in enumerate(BAD.values(), 1)
    ]
    assert len(set(listed)) == len(BAD) > 90
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        for payload in listed:
            s.sandbox.put_raw_profile(payload)
        s.sandbox.add_profiles(2)
        ended = s.cycle()
        assert (ended.error, ended.outcome) == (None, Outcome.PARTIAL)
        assert (ended.tally.new, ended.tally.confirmed) == (5, 5)
        found = {bytes(entry["payload"]): entry for entry in quarantined(s)}
        assert [payload[:100] for payload in listed if payload not in found] == []
        assert len(found) == ended.tally.quarantined == len(BAD)
        for payload, entry in found.items():
            assert entry["stage"] == "read"
            assert entry["error"]
            assert entry["profile_id"] is None or b'"%b"' % entry["profile_id"].encode() in payload
        ids = {typed(each["profileId"]) for each in s.sandbox.expected()}
        assert confirmed(s) == dict.fromkeys(ids, 1)
        assert landed(s) == {each for _, each in ids}
        assert_idle(s)  # listed again, they make no second entries


def test_reasons_name_fields_and_never_values(database_url: str, tmp_path: Path) -> None:
    canary = "Kanarienvogel"
    bad = [
        profile(utmSource={canary: canary}),
        profile(cv=canary),
        profile(steps=[{"attachments": [canary]}]),
        profile(profileId={canary: 1}),
        b'{"profileId":"bad","%s":NaN,"x":"%s"}' % (canary.encode(), canary.encode()),
        b'{"%s":1,"%s":2}' % (canary.encode(), canary.encode()),
    ]
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        for each in bad:
            s.sandbox.put_raw_profile(each.replace(b'"bad"', b'"%d"' % len(each)))
        s.cycle()
        reasons = [entry["error"] for entry in quarantined(s)]
        assert len(reasons) == len(bad)
        assert not [reason for reason in reasons if canary in reason]


def test_a_profile_of_20_megabytes_waits_in_quarantine_with_its_first_megabyte(
    database_url: str, tmp_path: Path
) -> None:
    huge = profile(x="y" * 20_000_000)
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.put_raw_profile(huge)
        ended = s.cycle()
        assert (ended.error, ended.tally.new, ended.tally.confirmed) == (None, 3, 3)
        (entry,) = quarantined(s)
        assert bytes(entry["payload"]) == huge[: 1024 * 1024]
        assert str(len(huge)) in entry["error"]
        assert_idle(s)


def test_a_profile_just_within_the_limits_is_landed(database_url: str, tmp_path: Path) -> None:
    text = "".join(chr(0x4E00 + (index * 7919) % 20_000) for index in range(400))  # hard to compress
    within = {
        "nested 100 levels deep": b'{"profileId":"n","x":%s1%s}' % (b"[" * 98, b"]" * 98),
        "a number of 4,300 digits": b'{"profileId":"d","steps":[{"answer":%s}]}' % (b"7" * 4300),
        "ids of 512 bytes": json.dumps(
            {"profileId": text[:170] + "ab", "cv": file(mediaId=text[200:370] + "cd")}, ensure_ascii=False
        ).encode(),
        "a reference of 1,024 bytes": json.dumps(
            {"profileId": "r", "externalReferenceId": text[:341] + "x"}, ensure_ascii=False
        ).encode(),
        "a profile of 15 megabytes": profile(profileId="big", steps=[{"answer": "ä" * 2_500_000}]),
        "tiny and large floats": b'{"profileId":"f","steps":[{"answer":[1e-400,-0.0,1e308,5e-324]}]}',
    }
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as s:
        for each in within.values():
            s.sandbox.put_raw_profile(each)
        settle(s)
        assert quarantined(s) == []
        assert len(landed(s)) == len(within)
        assert len(s.files()) == 1
        assert sum(confirmed(s).values()) == len(within)
        s.assert_complete()


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("x" * 1025, "x" * 1024),
        ("x" * 1100, "x" * 1024),
        ("x" + "ä" * 600, "x" + "ä" * 511),
        ("🚲" * 100_000, "🚲" * 256),
        ("\0" * 1100, "\ufffd" * 341),
    ],
)
def test_a_longer_reference_than_an_index_can_hold_is_cut_and_the_whole_one_kept(
    reference: str, kept: str, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.put_raw_profile(profile(externalReferenceId=reference, utmSource="y" * 100_000))
        settle(s)
        s.assert_complete()
        assert quarantined(s) == []
        [row] = s.rows(
            "SELECT a.external_reference_id AS reference, j.origin, c.extra->>'externalReferenceId' AS whole "
            "FROM ats.application a JOIN ats.job j USING (client_id, external_reference_id) "
            "JOIN ats.application_contact c USING (client_id, profile_id) "
            "WHERE c.extra ? 'externalReferenceId'"
        )
        assert row == {"reference": kept, "origin": "stub", "whole": reference.replace("\0", "\ufffd")}
        assert set(confirmed(s).values()) == {1}


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udfff", "\\udc00\\ud800"])
def test_nul_and_lone_surrogates_are_cleaned_and_the_profile_is_landed(
    escape: str, database_url: str, tmp_path: Path
) -> None:
    dirty = json.dumps(
        {
            "profileId": "P",
            "externalReferenceId": "a§",
            "utmSource": "§",
            "firstName": "§b",
            "language": "§",
            "createdAt": "§",
            "§key": {"§": ["§"]},
            "cv": file(fileName="§.pdf", mimeType="§", downloadUri="§"),
            "steps": [{"question": "q§", "answer": {"§": "§x"}, "§": 1}, {"answer": "a§"}],
        },
        ensure_ascii=False,
    ).replace("§", escape)
    put = "\ufffd" * escape.count("\\u")
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.sandbox.put_raw_profile(dirty.encode())
        settle(s)
        assert quarantined(s) == []
        assert confirmed(s)[typed("P")] == 1
        (row,) = s.rows(
            "SELECT a.external_reference_id, a.utm_source, c.first_name, c.extra, m.file_name, r.payload "
            "FROM ats.application a JOIN ats.application_contact c USING (client_id, profile_id) "
            "JOIN ats.media m USING (client_id, profile_id) "
            "JOIN ats.application_raw r USING (client_id, profile_id, revision) WHERE a.profile_id = 'P'"
        )
        assert list(row.values())[:3] == [f"a{put}", put, f"{put}b"]
        assert row["extra"] == {f"{put}key": {put: [put]}}
        assert row["file_name"] == f"{put}.pdf"
        assert bytes(row["payload"]) == dirty.encode()  # what really came
        first, second = s.rows(
            "SELECT question, answer_json FROM ats.answer WHERE profile_id = 'P' ORDER BY step_no"
        )
        assert first == {"question": f"q{put}", "answer_json": {put: f"{put}x"}}
        assert second["answer_json"] == f"a{put}"
        s.assert_complete()
        assert_idle(s)
