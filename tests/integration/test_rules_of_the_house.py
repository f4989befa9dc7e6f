"""Triggers and constraints that somebody has added to syncd's tables: they cost the one row that they refuse."""

import json
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.errors import DatabaseUnavailable, DataRefused
from syncd.model import Outcome
from syncd.sandbox import SandboxConfig
from syncd.store.database import CONFLICT_ATTEMPTS, Database
from tests.integration.settling import (
    MEDIA,
    assert_idle,
    calls,
    confirmed,
    landed,
    quarantined,
    settle,
    states,
)
from tests.integration.test_bad_profiles import GOOD, profile
from tests.integration.test_faults_media_content import media_row, one_file
from tests.scene import scene
from tests.unit.log_lines import logging_to


def trigger(
    body: str, *, table: str = "ats.application", when: str = "BEFORE INSERT OR UPDATE", kind: str = "TRIGGER"
) -> list[str]:
    """Statements that make a trigger of the house for each row."""
    deferred = "DEFERRABLE INITIALLY DEFERRED" if kind == "CONSTRAINT TRIGGER" else ""
    return [
        f"CREATE FUNCTION public.house() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN NEW; END$$",
        f"CREATE {kind} house {when} ON {table} {deferred} FOR EACH ROW EXECUTE FUNCTION public.house()",
    ]


def raising(code: str) -> str:
    return f"IF NEW.utm_source = '{code}' THEN RAISE 'house rule' USING ERRCODE = '{code}'; END IF;"


RAISED = ("P0001", "42501", "55000", "57P01", "53100", "25006", "XX000", "08000")
# Each refuses the profile whose utmSource is the SQLSTATE that it ends in.
RULES = [
    *trigger(
        f"""
        {" ".join(map(raising, RAISED))}
        ASSERT NEW.utm_source IS DISTINCT FROM 'P0004';
        IF NEW.utm_source = '22012' THEN NEW.language = (1 / 0)::text; END IF;
        IF NEW.utm_source = '42P01' THEN INSERT INTO house.audit VALUES (1); END IF;
        """
    ),
    "ALTER TABLE ats.application ADD CHECK (utm_source <> '23514')",
    "ALTER FUNCTION public.house RENAME TO house_now",
    "ALTER TRIGGER house ON ats.application RENAME TO house_now",
    *trigger(raising("P0002"), when="AFTER INSERT OR UPDATE", kind="CONSTRAINT TRIGGER"),
]
ALL_CODES = (*RAISED, "P0004", "22012", "42P01", "23514", "P0002")


# A rule that asks for a retry gets it, which takes seconds for each group of profiles with one of its kind.
@pytest.mark.parametrize("changed", [False, True], ids=["new", "changed"])
@pytest.mark.parametrize(
    ("rules", "codes"), [(RULES, ALL_CODES), (trigger(raising("40001")), ["40001"])], ids=["all", "40001"]
)
def test_a_profile_that_a_rule_of_the_house_refuses_is_quarantined_alone_with_its_sqlstate(
    rules: list[str], codes: Sequence[str], changed: bool, database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        if changed:
            for code in codes:
                s.sandbox.put_raw_profile(profile(profileId=code, utmSource="yes"))
            s.cycle()
            for code in codes:
                s.sandbox.withdraw_profile(code)
        for statement in rules:
            s.execute(statement)
        for code in codes:
            s.sandbox.put_raw_profile(profile(profileId=code, utmSource=code))
        s.sandbox.add_profiles(9)
        before = len(landed(s))
        ended = s.cycle()
        assert (ended.error, ended.outcome) == (None, Outcome.PARTIAL)
        assert len(landed(s)) - before == (9 if changed else 12)
        assert {
            (entry["stage"], entry["profile_id"], bytes(entry["payload"])) for entry in quarantined(s)
        } == {("land", code, profile(profileId=code, utmSource=code)) for code in codes}
        assert len(quarantined(s)) == len(codes)
        for entry in quarantined(s):
            assert f"SQLSTATE {entry['profile_id']}" in entry["error"]
            assert not confirmed(s)[("str", entry["profile_id"])] or changed
        assert_idle(s)


def test_an_index_of_the_house_that_cannot_hold_a_value_costs_one_profile(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        s.execute("CREATE INDEX house ON ats.application (utm_source)")
        long = "".join(chr(0x4E00 + (index * 7919) % 20_000) for index in range(3000))
        s.sandbox.put_raw_profile(profile(utmSource=long))
        ended = s.cycle()
        assert (ended.error, ended.tally.new, ended.tally.quarantined) == (None, 3, 1)
        assert "SQLSTATE 54000" in quarantined(s)[0]["error"]


def test_a_file_that_cannot_be_recorded_waits_and_the_others_of_its_round_are_recorded(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=8)) as s:
        profile_id, media_id = one_file(s)
        for statement in trigger(
            f"IF NEW.media_id = '{media_id}' AND NEW.state = 'stored' THEN RAISE 'house rule'; END IF;",
            table="ats.media",
        ):
            s.execute(statement)
        ended = s.cycle()
        assert (ended.outcome, ended.error) == (Outcome.PARTIAL, None)
        assert states(s)["pending"] == 1
        assert media_row(s, media_id)["last_error"] == "postgres_P0001"
        assert {each for _, each in confirmed(s)} == landed(s) - {profile_id}
        s.execute("DROP TRIGGER house ON ats.media")
        s.execute("UPDATE ats.media SET next_attempt_at = now() WHERE state = 'pending'")
        settle(s)
        s.assert_complete()


def test_a_file_of_which_nothing_can_be_recorded_ends_the_stage_with_a_sentence(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=8)) as s:
        profile_id, media_id = one_file(s)
        for statement in trigger(
            f"IF NEW.media_id = '{media_id}' THEN RAISE 'house rule'; END IF;",
            table="ats.media",
            when="BEFORE UPDATE",
        ):
            s.execute(statement)
        for _ in range(2):
            ended = s.cycle()
            assert isinstance(ended.error, DataRefused)
            assert "SQLSTATE P0001" in str(ended.error)
        assert states(s)["pending"] == 1
        assert {each for _, each in confirmed(s)} == landed(s) - {profile_id}


def test_a_rule_that_silently_leaves_a_file_as_it_was_is_told_and_the_file_is_not_fetched_again_and_again(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=8)) as s:
        profile_id, media_id = one_file(s)
        for statement in trigger(
            f"IF NEW.media_id = '{media_id}' THEN RETURN NULL; END IF;",
            table="ats.media",
            when="BEFORE UPDATE",
        ):
            s.execute(statement)
        for _ in range(2):
            ended = s.cycle()
            assert isinstance(ended.error, DataRefused)
        assert states(s)["pending"] == 1
        # The file once more in the second cycle.
        assert len(calls(s, MEDIA)) == s.value("SELECT count(*) FROM ats.media") + 1
        assert {each for _, each in confirmed(s)} == landed(s) - {profile_id}


def test_a_rule_that_silently_leaves_a_confirm_unrecorded_is_told(database_url: str, tmp_path: Path) -> None:
    config = SandboxConfig(profiles=6, media_per_profile=0.0)
    with scene(database_url, tmp_path / "m", config=config) as s:
        s.cycle(confirm=False)
        bad = sorted(landed(s))[1]
        s.execute(
            f"CREATE RULE house AS ON UPDATE TO ats.application WHERE NEW.profile_id = '{bad}' DO INSTEAD NOTHING"
        )
        ended = s.cycle()
        assert isinstance(ended.error, DataRefused)
        assert (ended.tally.confirmed, s.value("SELECT sum(confirmed_revision) FROM ats.application")) == (
            5,
            5,
        )


@pytest.mark.parametrize("batch_size", [1, 500])
def test_a_profile_that_not_even_the_quarantine_takes_is_told_and_all_others_land(
    batch_size: int, database_url: str, tmp_path: Path
) -> None:
    """Nothing is confirmed meanwhile, since PitchYou might apply it to the version that is stored nowhere."""
    with scene(database_url, tmp_path / "m", config=GOOD) as s:
        for statement in trigger("RAISE 'house rule';", table="ops.quarantine"):
            s.execute(statement)
        s.sandbox.put_raw_profile(b'{"profileId": "bad", "steps": 7}')
        s.sandbox.add_profiles(5)
        ended = s.cycle(batch_size=batch_size)
        assert isinstance(ended.error, DataRefused)
        assert len(landed(s)) == 8
        assert not confirmed(s)
        s.execute("DROP TRIGGER house ON ops.quarantine")
        assert s.cycle().outcome is Outcome.PARTIAL
        assert {each for _, each in confirmed(s)} == landed(s)


def test_a_confirm_that_cannot_be_recorded_is_told_and_the_others_of_its_group_are_recorded(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=12, media_per_profile=0.0)
    with scene(database_url, tmp_path / "m", config=config, confirm_batch=5) as s:
        s.cycle(confirm=False)
        bad = sorted(landed(s))[1]
        s.execute(f"ALTER TABLE ats.application ADD CHECK (profile_id <> '{bad}' OR confirmed_revision = 0)")
        ended = s.cycle()
        assert isinstance(ended.error, DataRefused)
        assert "SQLSTATE 23514" in str(ended.error)
        assert s.value("SELECT profile_id FROM ats.application WHERE confirmed_revision = 0") == bad
        assert ended.tally.confirmed == 11


def test_the_log_names_the_sqlstate_and_not_what_the_rule_says(database_url: str, tmp_path: Path) -> None:
    log = StringIO()
    with scene(database_url, tmp_path / "m", config=GOOD) as s, logging_to(log, "json", "info"):
        for statement in trigger("RAISE 'Kanarienvogel %', NEW.client_id;", table="ats.client"):
            s.execute(statement)
        ended = s.cycle()
        assert isinstance(ended.error, DataRefused)
    events = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [each["event"] for each in events] == ["cycle_failed"]
    assert "SQLSTATE P0001" in events[0]["error_message"]
    assert "Kanarienvogel" not in log.getvalue()


def currval(connection: Connection) -> None:
    connection.execute(text("CREATE SEQUENCE public.house"))
    connection.execute(text("SELECT currval('public.house')"))


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (currval, "55000"),
        (lambda c: c.execute(text("SAVEPOINT a; VACUUM")), "25001"),
        (lambda c: c.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")), "25001"),
        (lambda c: c.execute(text("PREPARE TRANSACTION 'house'")), "55000"),
    ],
)
def test_a_statement_that_fails_with_55000_is_no_standby_and_nothing_waits_for_it(
    work: Callable[[Connection], None], code: str, database_url: str
) -> None:
    log, attempts = StringIO(), 0

    def counted(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        work(connection)

    with (
        logging_to(log, "json", "info"),
        Database(database_url) as database,
        pytest.raises(DatabaseUnavailable, match=f"refuses a statement of syncd .SQLSTATE {code}"),
    ):
        database.transact(counted, Deadline(30))
    assert attempts == 1
    assert "standby" not in log.getvalue()


def test_what_a_rule_raises_to_ask_for_a_retry_is_retried_and_then_belongs_to_the_data(
    database_url: str,
) -> None:
    attempts = 0

    def work(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        connection.execute(text("DO $$BEGIN RAISE 'again' USING ERRCODE = 'serialization_failure'; END$$"))

    with Database(database_url) as database, pytest.raises(DataRefused, match="40001"):
        database.transact(work, Deadline(30))
    assert attempts == CONFLICT_ATTEMPTS
