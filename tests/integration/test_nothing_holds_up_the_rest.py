"""Races between processes, and single profiles, files or ids that could hold up all others: none of them does."""

import json
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from apscheduler.schedulers import base
from apscheduler.triggers.interval import IntervalTrigger

from syncd import daemon
from syncd.daemon import Daemon, Scheduled
from syncd.deadline import Deadline
from syncd.media.vault import Vault
from syncd.model import BadProfile, MediaKey, Outcome, Profile
from syncd.pitchyou import Limits
from syncd.sandbox import Fault, SandboxConfig
from syncd.store import safety
from syncd.store.database import Database
from syncd.sync.changes import BATCH_BYTES, batches
from syncd.sync.client_cycle import Outsides, prepare_work, run_once
from syncd.sync.lease_keeper import LeaseKeeper
from syncd.sync.retry_quarantine import retry_quarantined
from syncd.sync.verify import Fault as FileFault
from syncd.sync.verify import find_faults, repair
from tests.integration.settling import LIST, settle
from tests.scene import Scene, scene


def profile(**fields: Any) -> bytes:
    return json.dumps({"profileId": "X-1", "steps": [], **fields}).encode()


def test_repair_removes_no_file_that_another_syncd_has_stored_since_it_looked(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=5)) as world:
        world.cycle()
        looked_too_early = [FileFault("orphan", path) for path in sorted(world.files())]
        (tmp_path / "m" / "acme" / "nobodys").write_text("x")

        work = prepare_work(world.client, world.outsides, world.stop)
        assert repair(work, [*looked_too_early, FileFault("orphan", "acme/nobodys")]) == []

        world.assert_complete()
        assert not list(find_faults("acme", world.outsides.database, world.outsides.vault, Deadline()))


def test_process_that_lost_its_lease_removes_no_file_of_its_successor(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=4, media_per_profile=3.0, after_confirm="stay")
    with scene(database_url, tmp_path / "m", config=config) as world:
        settle(world)
        (row,) = world.rows("SELECT profile_id, min(media_id) AS media_id FROM ats.media GROUP BY 1 LIMIT 1")
        original = next(p for p in world.sandbox.expected() if p["profileId"] == row["profile_id"])
        world.sandbox.change_profile(row["profile_id"], drop_media=[row["media_id"]])
        others: list[threading.Thread] = []

        class Slow(Vault):
            """Meets a successor that takes the lease just before the file is removed."""

            def remove(self, client_id: str, key: MediaKey, *, fence: int) -> None:
                if not others:
                    world.sandbox.change_profile(row["profile_id"], fields=original)
                    others.append(threading.Thread(target=succeed))
                    others[0].start()
                    time.sleep(0.5)
                super().remove(client_id, key, fence=fence)

        def succeed() -> None:
            world.execute(
                "UPDATE ops.lease SET expires_at = '-infinity'"
            )  # waits for the transaction in hand
            with LeaseKeeper(world.outsides.database, ttl=60) as keeper:
                successor = Outsides(world.outsides.database, world.outsides.vault, keeper)
                run_once(world.client, successor, trigger="command", stop=threading.Event())

        slow = replace(world.outsides, vault=Slow(world.media_root, max_bytes=10**9))
        run_once(world.client, slow, trigger="command", stop=world.stop)
        others[0].join(30)

        settle(replace(world, outsides=world.outsides))
        assert not list(find_faults("acme", world.outsides.database, world.outsides.vault, Deadline()))


def test_retry_lands_the_newest_of_several_quarantined_versions(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as world:
        world.execute("ALTER TABLE ats.application ADD CONSTRAINT ck_x CHECK (utm_source IS NULL)")
        for version in ("older", "newer"):
            world.sandbox.put_raw_profile(profile(utmSource=version))
            world.cycle()
        world.execute("ALTER TABLE ats.application DROP CONSTRAINT ck_x")

        retried = retry_quarantined(prepare_work(world.client, world.outsides, world.stop))

        assert (retried.landed, retried.overtaken, retried.still_bad) == (1, 1, 0)
        assert world.value("SELECT utm_source FROM ats.application") == "newer"


def test_an_older_quarantined_version_waits_while_a_newer_one_is_still_bad(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as world:
        for column, value in (("utm_source", "older"), ("utm_medium", "newer")):
            world.execute(f"ALTER TABLE ats.application ADD CONSTRAINT ck_{column} CHECK ({column} IS NULL)")
            key = "utm" + column.removeprefix("utm_").title()
            world.sandbox.put_raw_profile(profile(**{key: value}))
            world.cycle()

        def retried() -> tuple[int, int, int]:
            found = retry_quarantined(prepare_work(world.client, world.outsides, world.stop))
            return found.landed, found.overtaken, found.still_bad

        world.execute("ALTER TABLE ats.application DROP CONSTRAINT ck_utm_source")
        assert retried() == (0, 0, 2)
        world.execute("ALTER TABLE ats.application DROP CONSTRAINT ck_utm_medium")
        assert retried() == (1, 1, 0)
        assert world.value("SELECT utm_medium FROM ats.application") == "newer"


@pytest.mark.parametrize("trouble", [b"[" * 120 + b"]" * 120, b'"' + b"x" * 17_000_000 + b'"'])
def test_older_version_is_not_confirmed_while_one_too_deep_or_too_large_waits(
    database_url: str, tmp_path: Path, trouble: bytes
) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as world:
        world.sandbox.put_raw_profile(profile(utmSource="older"))
        world.sandbox.put_raw_profile(b'{"profileId": "X-1", "x": ' + trouble + b"}")

        world.cycle()

        assert world.value("SELECT profile_id FROM ops.quarantine") == "X-1"
        assert world.sandbox.ledger.confirms == []


def test_confirm_address_that_answers_404_confirms_nobody(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=12, media_per_profile=0)) as world:
        world.sandbox.inject(Fault("confirm", "status", status=404, times=None))

        ended = world.cycle()

        assert "base_url" in str(ended.error)
        assert world.value("SELECT count(*) FROM ats.application WHERE confirmed_revision > 0") == 0
        world.sandbox.clear_faults()
        settle(world)
        world.assert_complete()


def test_one_id_that_makes_the_server_fail_leaves_the_others_confirmed(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=30, media_per_profile=0, confirm_bad_status=500)
    with scene(database_url, tmp_path / "ids", config=config) as world:
        first = min(p["profileId"] for p in world.sandbox.expected())
    with scene(
        database_url,
        tmp_path / "m",
        config=replace(config, bad_confirm_ids=frozenset({first})),
        confirm_batch=10,
    ) as world:
        ended = world.cycle()

        assert (ended.outcome, ended.tally.confirmed, ended.tally.confirm_refused) == (Outcome.PARTIAL, 29, 1)


def test_slow_files_go_behind_the_others_instead_of_being_first_for_ever(
    database_url: str, tmp_path: Path
) -> None:
    limits = Limits(minimum_rate=1, rate_grace=60)
    plan: dict[str, Any] = {"media_concurrency": 2, "cycle_deadline": 2.0, "media_retry": 30.0}
    with scene(
        database_url, tmp_path / "m", config=SandboxConfig(profiles=0), api={"limits": limits}, **plan
    ) as world:
        slow = [{"mediaId": "s1", "fileName": "a"}, {"mediaId": "s2", "fileName": "b"}]
        world.sandbox.put_raw_profile(profile(profileId="slow", cv=slow))
        world.sandbox.inject(Fault("media", "slow", times=None, seconds_per_byte=0.02, match="/slow/"))
        world.cycle()
        for number in range(3):
            world.sandbox.put_raw_profile(
                profile(profileId=f"p{number}", cv={"mediaId": "m", "fileName": "x"})
            )

        world.cycle()

        assert world.value("SELECT count(*) FROM ats.application WHERE confirmed_revision > 0") == 3
        assert world.value("SELECT min(attempts) FROM ats.media WHERE profile_id = 'slow'") >= 1


def test_changed_profile_brings_new_descriptions_and_another_try_for_a_gone_file(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=0, after_confirm="stay")
    with scene(database_url, tmp_path / "m", config=config) as world:
        world.sandbox.inject(Fault("media", "status", status=404, times=None))
        world.sandbox.put_raw_profile(profile(cv={"mediaId": "m", "fileName": "old.pdf"}))
        settle(world)
        assert world.value("SELECT state FROM ats.media") == "gone"
        world.sandbox.clear_faults()

        world.sandbox.put_raw_profile(profile(cv={"mediaId": "m", "fileName": "new.docx"}))
        settle(world)

        (row,) = world.rows("SELECT state, file_name FROM ats.media")
        assert row == {"state": "stored", "file_name": "new.docx"}


def test_batches_of_large_profiles_stay_small() -> None:
    large = BadProfile("X", "r", b"f", b"x" * (BATCH_BYTES // 3))
    listed: list[Profile | BadProfile] = [large] * 10
    assert [len(batch) for batch in batches(listed, 500)] == [3, 3, 3, 1]
    assert [len(batch) for batch in batches(listed, 2)] == [2] * 5


def test_database_that_cannot_hold_every_name_is_refused(database_url: str) -> None:
    server = database_url.replace("+psycopg", "")
    name = f"latin_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        )
        try:
            with Database(database_url.rsplit("/", 1)[0] + f"/{name}") as database:
                (problem,) = database.transact(safety.problems, Deadline(10))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert "UTF8" in problem


def test_clock_that_is_set_back_does_not_stop_the_schedule(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = [0.0]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=shift[0])

    class Time:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            return time.time() + shift[0]

    def lists(world: Scene) -> int:
        return sum(request.path == LIST for request in world.sandbox.ledger.requests)

    for module in (base, daemon):
        monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(daemon, "time", Time)
    monkeypatch.setattr(daemon, "CLOCK_LOOK", 0.1)
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0)) as world:
        trigger = IntervalTrigger(seconds=1, timezone=UTC)
        runner = Daemon([Scheduled(world.client, trigger)], world.outsides, world.stop)
        thread = threading.Thread(target=runner.run)
        thread.start()
        try:
            time.sleep(1.5)
            before, shift[0] = lists(world), -3600.0
            time.sleep(3.5)
            assert lists(world) - before >= 2
        finally:
            world.stop.set()
            thread.join()
