"""The audit finds nothing wrong with an honest client, and finds each thing a careless one can do wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox import Fault
from syncd.sandbox.audit import store_audit as audit
from tests.integration.sandbox_calls import calling, media_of
from tests.integration.sandbox_damage import DAMAGE
from tests.integration.sandbox_store import storing


@pytest.mark.parametrize("reading", ["leave", "stay", "once"])
def test_an_honest_client_is_found_honest(database_url: str, tmp_path: Path, reading: Any) -> None:
    with storing(database_url, tmp_path / "media", after_confirm=reading, media_gone=0.2) as store:
        assert store.confirm(store.take_over()) == []
        report = store.sandbox.audit(confirmed_once=True)
        assert report.findings == []
        assert report.profiles == 10
        assert report.media > 5


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_at_the_confirm_with_the_id_and_again_at_the_end(
    database_url: str, tmp_path: Path, name: str
) -> None:
    damage, expected = DAMAGE[name]
    with storing(database_url, tmp_path / "media") as store:
        ids = store.take_over()
        damage(store)
        findings = store.confirm(ids)
        assert any(expected in finding for finding in findings)
        (damaged,) = {each for each in ids for finding in findings if finding.startswith(f"{each!r}: ")}
        assert all(finding.startswith(f"{damaged!r}: ") for finding in findings)
        assert any(expected in finding for finding in store.sandbox.audit().findings)


def test_a_confirm_before_the_commit_is_found(database_url: str, tmp_path: Path) -> None:
    with storing(database_url, tmp_path / "media") as store:
        ids = store.calls.ids()
        assert len(store.confirm(ids)) == len(ids)


def test_an_id_that_was_never_listed_or_stands_there_twice_is_found(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media") as store:
        ids = store.take_over()
        store.sandbox.add_profiles(1)
        unseen = list(store.sandbox.expected())[-1]["profileId"]
        assert store.confirm([ids[0], ids[0], unseen]) == [
            f"{ids[0]!r}: twice in one confirm",
            f"{unseen!r}: confirmed, but it was never listed",
        ]


def test_only_the_newest_version_counts_at_the_end(database_url: str, tmp_path: Path) -> None:
    with storing(database_url, tmp_path / "media", after_confirm="stay") as store:
        ids = store.take_over()
        assert store.confirm(ids) == []
        store.sandbox.change_profile(ids[0], answers={0: "neu"}, add_media=1)
        assert store.sandbox.audit().findings == []  # nobody could know yet
        changed = next(each for each in store.calls.profiles() if each["profileId"] == ids[0])
        assert store.sandbox.audit().findings == [
            f"{ids[0]!r}: version 0 is stored, but version 1 was served",
            f"{ids[0]!r}: version 1 was served, but never confirmed",
        ]
        store.keep(changed)
        assert store.sandbox.audit().findings == [
            f"{ids[0]!r}: version 1 was served, but never confirmed",
            f"{ids[0]!r}: revision 2 is stored, but revision 1 is marked confirmed",
        ]
        store.execute("UPDATE ats.application SET confirmed_revision = revision")  # a lie
        assert store.sandbox.audit().findings == [f"{ids[0]!r}: version 1 was served, but never confirmed"]
        assert store.confirm([ids[0]]) == []
        assert store.sandbox.audit(confirmed_once=True).findings == []


def test_a_second_confirm_of_an_unchanged_profile_can_be_made_a_finding(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media", after_confirm="stay") as store:
        ids = store.take_over()
        store.confirm(ids)
        store.confirm(ids[:1])
        assert store.sandbox.audit().findings == []
        assert store.sandbox.audit(confirmed_once=True).findings == [
            f"{ids[0]!r}: confirmed 2 times for 1 version(s)"
        ]


def test_what_was_served_and_never_confirmed_is_found_at_the_end(database_url: str, tmp_path: Path) -> None:
    with storing(database_url, tmp_path / "media") as store:
        ids = store.take_over()
        store.confirm(ids[1:])
        findings = store.sandbox.audit().findings
        assert f"{ids[0]!r}: served, but never confirmed as str" in findings


def test_the_media_root_holds_the_stored_files_and_nothing_else(database_url: str, tmp_path: Path) -> None:
    with storing(database_url, tmp_path / "media") as store:
        store.confirm(store.take_over())
        (store.root / "empty" / "folder").mkdir(parents=True)
        assert store.sandbox.audit().findings == []
        (store.root / "empty" / ".tmp-1").write_bytes(b"left over")
        assert store.sandbox.audit().findings == ["empty/.tmp-1: a file that no row of ats.media names"]


def test_a_row_nobody_listed_and_a_file_nobody_names_any_more_are_found(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media", media_per_profile=3) as store:
        ids = store.take_over()
        store.confirm(ids)
        store.execute(
            "INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256) VALUES ('acme', 'x', '', '')"
        )
        store.execute(
            "INSERT INTO ats.media (client_id, profile_id, media_id, state) VALUES ('acme', %s, 'extra', 'gone')",
            ids[0],
        )
        assert store.sandbox.audit().findings == [
            f"{ids[0]!r}: media 'extra' is stored, but this version does not name it",
            "'x': stored, but it was never listed",
        ]


def test_doubled_entries_in_quarantine_and_jobs_that_are_missing_or_from_nowhere_are_found(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media", profiles=1) as store:
        store.confirm(store.take_over())
        entry = (
            "INSERT INTO ops.quarantine (client_id, profile_id, stage, error, fingerprint, payload, resolved_at) "
            "VALUES ('acme', 'P', 'read', 'x', %s, 'same', %s)"
        )
        store.execute(entry, b"1", "2026-01-01")
        store.execute(entry, b"2", None)
        store.execute(
            "INSERT INTO ats.job (client_id, external_reference_id, origin) VALUES ('acme', 'i', 'import')"
        )
        assert store.sandbox.audit().findings == []
        store.execute(entry, b"3", None)
        store.execute("ALTER TABLE ats.application DROP CONSTRAINT fk_application_job")
        store.execute("UPDATE ats.job SET external_reference_id = 'from nowhere' WHERE origin = 'stub'")
        assert [finding.partition(": ")[2] for finding in store.sandbox.audit().findings] == [
            "2 entries in quarantine with the same bytes",
            "no row in ats.job for its reference",
            "no profile that was listed names it",
        ]


def test_a_raw_element_must_be_stored_or_in_quarantine_with_its_bytes(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media", profiles=1) as store:
        element = b'{"profileId":{"no":"id"},"steps":7}'
        store.confirm(store.take_over())
        store.sandbox.put_raw_profile(element)
        assert store.calls.list_profiles().status_code == 200
        assert store.sandbox.audit().findings == [
            "{'no': 'id'}: a raw element is neither stored nor in quarantine"
        ]
        store.execute(
            "INSERT INTO ops.quarantine (client_id, stage, error, fingerprint, payload)"
            " VALUES ('acme', 'read', 'x', 'x', %s)",
            element,
        )
        assert store.sandbox.audit().findings == []


def test_a_file_that_was_served_spoilt_may_be_stored_as_it_was_served(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media") as store:
        for kind in ("short", "empty", "wrong_type"):
            store.sandbox.inject(Fault("media", kind))
        assert store.confirm(store.take_over()) == []


def test_a_file_over_the_clients_cap_may_be_rejected_and_its_application_not_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media", media_size=50_000, reject_above=49_999) as store:
        ids = store.take_over()
        DAMAGE["media called rejected"][0](store)
        (finding,) = store.confirm(ids)
        assert finding.endswith("was rejected")


def test_what_the_database_cannot_hold_is_compared_as_it_must_be_cleaned(
    database_url: str, tmp_path: Path
) -> None:
    with storing(database_url, tmp_path / "media", profiles=1) as store:
        profile = store.calls.profiles()[0]
        store.sandbox.change_profile(profile["profileId"], answers={1: "a\0b"})
        changed = store.calls.profiles()[0]
        changed["steps"][1]["answer"] = "a�b"
        store.keep(changed)
        store.execute(
            "UPDATE ats.application_raw SET payload = %s",
            json.dumps(changed).replace(json.dumps("a�b"), json.dumps("a\0b")).encode(),
        )
        assert store.confirm([profile["profileId"]]) == []
        assert list(media_of(changed)) == list(media_of(profile))


def test_a_database_that_cannot_be_read_leaves_the_confirm_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PATIENCE", 0.3)
    with calling(database_url="postgresql+psycopg://nobody@127.0.0.1:1/none", media_root=tmp_path) as (
        sandbox,
        calls,
    ):
        ids = calls.ids()
        answer = calls.confirm(ids)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert calls.ids() == ids
        assert sandbox.ledger.confirms == []
        assert sandbox.findings == []
