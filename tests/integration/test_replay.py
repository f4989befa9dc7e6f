"""`syncd replay`: the rows become those of a landing with the present field map, and nothing else changes."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.model import FieldMap, Profile
from syncd.pitchyou import element_of, read_profile
from syncd.sandbox import SandboxConfig
from syncd.store import applications, clients
from syncd.store.database import Database
from syncd.sync.client_store import ClientStore
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.replay import Replayed, Rules, replay
from tests.system.processes import Site, eventually, site

BERLIN = ZoneInfo("Europe/Berlin")
NEW = FieldMap(question="text", answer="reply.value", email="contact.mail", phone="mobile", applied_at="at")
# Without the times at which rows were written, and the number that Postgres gives.
LANDED = {
    "application": "to_jsonb(t) - '{first_seen_at,last_seen_at,changed_at}'::text[]",
    "application_raw": "to_jsonb(t) - 'received_at'",
    "application_contact": "to_jsonb(t)",
    "answer": "to_jsonb(t)",
    "media": "to_jsonb(t) - 'next_attempt_at'",
    "attachment": "to_jsonb(t)",
}

NUMBERS = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1, 1.0, True, 1e23])
)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text('aÄ🙂\0\ud800" 1', max_size=4)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
)  # fmt: skip
FILE = st.fixed_dictionaries({"mediaId": st.sampled_from("mn")}, optional={"fileName": SCALARS, "size": JSON})
STEP = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("question", "answer", "text", "more"), JSON),
        "reply": JSON | st.fixed_dictionaries({"value": JSON}),
        "attachments": st.lists(FILE, max_size=2),
    },
)
PROFILE = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.lists(STEP, max_size=3),
        "contact": JSON | st.fixed_dictionaries({"mail": SCALARS, "fax": SCALARS}),
        **dict.fromkeys(("email", "firstName", "language"), SCALARS),
        "phone": st.sampled_from(["+49151234567", "1"]),
        "mobile": st.sampled_from(["+49151234568", "0151 234568", None, [1]]),
        **dict.fromkeys(("at", "createdAt"), st.sampled_from(["2026-03-01", "1999-01-01", 7, None])),
        **dict.fromkeys(("utmSource", "externalReferenceId"), st.sampled_from(["x", "y", 1, None])),
        "cv": FILE | st.none(),
        "letter": FILE,
    },
)


@contextmanager
def held(database: Database) -> Iterator[ClientStore]:
    with LeaseKeeper(database, ttl=60.0) as keeper:
        yield ClientStore(database, keeper.hold("acme"), Deadline(60), lambda: None)


def rows(connection: Connection, *, versions: bool = False) -> dict[str, list[str]]:
    """All rows of an application; with `versions`, also which transaction wrote each."""
    found = {}
    for table, shown in LANDED.items():
        shown = f"xmin::text || ctid::text || ({shown})::text" if versions else f"({shown})::text"
        found[table] = list(
            connection.execute(text(f"SELECT {shown} FROM ats.{table} t ORDER BY 1")).scalars()
        )
    return found


def land(store: ClientStore, profiles: Sequence[dict[str, Any]], fields: FieldMap) -> None:
    read = [
        read_profile(element_of(json.dumps({"profileId": f"P{number}"} | each).encode()), fields, BERLIN)
        for number, each in enumerate(profiles)
    ]
    store.write(applications.land, [each for each in read if isinstance(each, Profile)], "DE")


def replayed(store: ClientStore, fields: FieldMap, *, batch_size: int = 9) -> Replayed:
    return replay(store, Rules(fields, BERLIN, "DE"), Deadline(60), batch_size, lambda done, total: None)


def test_after_a_replay_the_rows_are_those_of_a_landing_with_the_new_map_and_stay_so(
    database_url: str,
) -> None:
    with Database(database_url) as database, held(database) as store:

        def look(*, versions: bool = False) -> dict[str, list[str]]:
            return database.transact(lambda c: rows(c, versions=versions), Deadline(30))

        # Each example lands its profiles four times. So a failure is shown as it is found.
        @settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(PROFILE, min_size=20, max_size=24))
        def prove(profiles: list[dict[str, Any]]) -> None:
            for old, new in ((FieldMap(), NEW), (NEW, FieldMap())):
                land(store, profiles, old)
                done = replayed(store, new)
                after, versions = look(), look(versions=True)
                assert (replayed(store, new).changed, look(versions=True)) == (0, versions)
                store.write(clear)
                land(store, profiles, new)
                assert after == look()
                store.write(clear)
                assert (done.left_alone, done.applications) == (0, len(after["application"]))

        store.write(clients.lock)
        prove()


def clear(connection: Connection, client_id: str) -> None:
    connection.execute(text("DELETE FROM ats.application"))


def reached(number: int) -> bytes:
    value = {
        "profileId": f"P{number}",
        "mobile": f"+49151{number:07}",
        "steps": [{"question": "?", "answer": "yes"}],
        "cv": {"mediaId": f"M{number}", "fileName": "cv.pdf"},
    }
    return json.dumps(value).encode()


PHONE: dict[str, Any] = {"FIELDS__PHONE": "mobile"}
UNTOUCHED = (
    "SELECT profile_id, wire_id, revision, confirmed_revision, confirmed_at, first_confirmed_at, first_seen_at, "
    "last_seen_at, changed_at FROM ats.application ORDER BY 1",
    "SELECT profile_id, revision, received_at, payload, xmin::text FROM ats.application_raw ORDER BY 1, 2",
    "SELECT profile_id, media_id, state, sha256, storage_path, stored_at, attempts, xmin::text FROM ats.media ORDER BY 1, 2",
)


def told(here: Site, *options: str, code: int = 0, **environ: str) -> dict[str, Any]:
    result = here.run("replay", "--json", *options, **environ)
    assert result.returncode == code, result
    found: dict[str, Any] = json.loads(result.stdout)["clients"][0]
    return found


def test_a_new_field_is_taken_up_without_pitchyou_and_nothing_is_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=0)) as here:
        for number in range(7):
            here.sandbox.put_raw_profile(reached(number))
        with here.start("run") as daemon:
            confirmed = "SELECT count(*) FROM ats.application WHERE confirmed_revision = 1"
            eventually(lambda: here.value(confirmed) == 7, "everything is confirmed")
            refused = here.run("replay", **PHONE)
            assert (refused.returncode, refused.stdout) == (4, "")
            assert "is being synced by process" in refused.stderr
            assert told(here, "--dry-run", **PHONE)["columns"] == {"phone": 7, "extra": 7, "person_key": 7}
            assert daemon.stop() == 0
        assert here.value("SELECT count(*) FROM ops.schema_drift WHERE path = '$.mobile'") == 1
        assert here.value("SELECT count(phone) FROM ats.application_contact") == 0
        asked, before = len(here.sandbox.ledger.requests), [here.rows(sql) for sql in UNTOUCHED]
        result = here.run("replay", **PHONE, SYNC__BATCH_SIZE="2")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout == "acme: ok - 7 applications read; 7 changed (person_key 7, phone 7, extra 7)\n"
        assert len(here.sandbox.ledger.requests) == asked
        assert [here.rows(sql) for sql in UNTOUCHED] == before
        assert here.value("SELECT count(DISTINCT phone) FROM ats.application_contact") == 7
        assert here.value("SELECT count(*) FROM report_data.due") == 7
        # What is mapped is unknown no longer.
        assert here.rows("SELECT path FROM ops.schema_drift") == []
        assert told(here, **PHONE)["changed"] == 0
        assert here.run("sync", **PHONE).returncode == 0
        assert here.value("SELECT count(person_key) FROM report_data.application") == 7


def test_files_follow_the_payload_and_what_cannot_be_read_stays_as_it_was(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=0, after_confirm="stay")) as here:
        for number in range(6):
            here.sandbox.put_raw_profile(reached(number))
        assert here.run("sync").returncode == 0
        # As if an earlier version of syncd had overlooked one file, and taken another thing for one.
        here.execute("DELETE FROM ats.media WHERE profile_id = 'P0'")
        here.execute("INSERT INTO ats.media (client_id, profile_id, media_id) VALUES ('acme', 'P1', 'none')")
        here.execute("UPDATE ats.media SET state = 'gone' WHERE profile_id = 'P2'")
        here.execute("UPDATE ats.application_raw SET payload = '{' WHERE profile_id = 'P3'")
        here.execute("DELETE FROM ats.application_raw WHERE profile_id = 'P4'")
        here.execute(
            "ALTER TABLE ats.application_contact ADD CHECK (profile_id <> 'P5' OR phone IS NULL) NOT VALID"
        )
        left = told(here, code=3, **PHONE)
        assert (left["outcome"], left["applications"], left["changed"], left["left_alone"]) == (
            "partial",
            6,
            3,
            3,
        )
        assert {each["profile_id"]: each["reason"] for each in left["left_alone_named"]} == {
            "P3": "not valid JSON",
            "P4": "its payload is not stored",
            "P5": "Postgres refused a value of this profile (SQLSTATE 23514)",
        }
        assert here.rows("SELECT profile_id, state FROM ats.media ORDER BY 1") == [
            *(
                ("P0", "pending"),
                ("P1", "stored"),
                ("P2", "gone"),
                ("P3", "stored"),
                ("P4", "stored"),
                ("P5", "stored"),
            ),
        ]
        assert here.rows("SELECT profile_id, media_id FROM ops.media_removal") == [("P1", "none")]
        assert here.rows("SELECT profile_id FROM ats.application_contact WHERE phone IS NULL ORDER BY 1") == [
            *(("P3",), ("P4",), ("P5",)),
        ]
        shown = here.run("replay", **PHONE)
        assert "6 applications read; 0 changed; 3 left as they were\n" in shown.stdout
        assert "  left as it was: 'P3': not valid JSON\n" in shown.stdout
        here.execute("ALTER TABLE ats.application_contact DROP CONSTRAINT application_contact_check")
        assert here.run("sync", **PHONE).returncode == 0
        assert here.rows("SELECT state FROM ats.media WHERE profile_id = 'P0'") == [("stored",)]
        assert here.value("SELECT count(*) FROM ops.media_removal") == 0
        assert here.value("SELECT max(revision) FROM ats.application") == 1


MANY = """
    INSERT INTO ats.client (client_id) VALUES ('acme');
    INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256)
    SELECT 'acme', 'P-' || n, '"P-' || n || '"', '' FROM generate_series(1, {count}) n;
    INSERT INTO ats.application_raw (client_id, profile_id, revision, payload)
    SELECT 'acme', 'P-' || n, 1, convert_to(json_build_object('profileId', 'P-' || n, 'mobile', '+4915' || 10000000 + n,
        'steps', (SELECT json_agg(json_build_object('question', 'Question ' || s, 'answer', repeat('answer ', 20),
        'type', 'text')) FROM generate_series(1, 8) s))::text, 'UTF8')
    FROM generate_series(1, {count}) n
    """


def test_a_replay_that_is_killed_or_stopped_continues_where_it_was(database_url: str, tmp_path: Path) -> None:
    rng, count = random.Random(7), 240
    with site(database_url, tmp_path, SandboxConfig(profiles=0), **PHONE, SYNC__BATCH_SIZE="4") as here:
        here.execute(MANY.format(count=count))

        def read() -> int:
            found = here.rows("SELECT applications FROM ops.replay")
            return int(found[0][0]) if found else 0

        for _ in range(4):
            before = read()
            with here.start("replay") as running:
                eventually(lambda: read() > before or running.process.poll() is not None, "it works")  # noqa: B023 - runs at once
                time.sleep(rng.uniform(0.0, 0.05))
                running.kill()
        with here.start("replay") as running:
            before = read()
            eventually(lambda: read() > before or running.process.poll() is not None, "it works")
            code = running.stop()
            assert code == 0 or (code == 1 and "run `syncd replay` again" in running.log_path.read_text())
        done = told(here)
        # The batch is recorded with its rows, so none was done twice or left out.
        assert (done["applications"], done["changed"], done["outcome"]) == (count, count, "ok")
        assert here.value("SELECT count(*) FROM ats.answer") == 8 * count
        assert here.value("SELECT count(DISTINCT phone) FROM ats.application_contact") == count
        # Another field map begins again.
        here.execute("UPDATE ops.replay SET finished_at = NULL, after_profile_id = 'P-1'")
        other = told(here, FIELDS__EMAIL="mail")
        assert (other["applications"], other["changed"], other["resumed"]) == (count, 0, False)
        assert here.sandbox.ledger.requests == []


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_the_memory_of_a_replay_does_not_grow_with_the_number_of_applications(
    database_url: str, tmp_path: Path
) -> None:
    from tests.system.test_memory import peak_kb

    with site(database_url, tmp_path, SandboxConfig(profiles=0), **PHONE) as here:
        peaks = []
        for count in (1000, 10_000):
            here.execute("TRUNCATE ats.client CASCADE")
            here.execute(MANY.format(count=count))
            for what in ("all rows differ", "nothing differs"):
                began = time.monotonic()
                peaks.append(peak_kb(here, "replay"))
                took = time.monotonic() - began
                print(f"{count} applications, {what}: {took:.1f} s, {peaks[-1] / 1024:.0f} MB")
        assert max(peaks) < min(peaks) + 16 * 1024
