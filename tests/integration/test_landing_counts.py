"""What keeps landing fast, in counts: statements for a batch, rows written, transactions that write, and elements read."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from syncd.pitchyou import json_values, payloads
from syncd.sandbox import SandboxConfig
from syncd.store import application_rows, copying
from syncd.sync import changes, land
from syncd.sync.client_cycle import prepare_work
from tests.integration.test_fetch_counts import statements
from tests.scene import Scene, scene

PROFILES, BATCH = 60, 20
CONFIG = SandboxConfig(profiles=0)
WRITTEN = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables WHERE schemaname = 'ats'"
OF_A_BATCH = 7  # beside six COPYs: settings, lease, what is known, jobs, the secret, quarantine, heartbeat


def listed(world: Scene, changed: int = 0, spelled: str = "") -> None:
    """List the profiles again, some with another answer."""
    for number in range(PROFILES):
        with suppress(KeyError):
            world.sandbox.withdraw_profile(f"p{number}")
        answer = "new" if number < changed else "old"
        steps = f'[{{"question":"q","answer":"{answer}"}}]{spelled}'
        world.sandbox.put_raw_profile(
            f'{{"profileId":"p{number}","externalReferenceId":"j{number % 3}","steps":{steps}}}'.encode()
        )


def written(world: Scene) -> int:
    """Rows of the store inserted, updated or deleted so far."""
    world.rows("SELECT pg_stat_force_next_flush()")
    return int(world.value(WRITTEN))


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that were copied into, in order."""
    seen: list[str] = []
    real = copying.copy_rows

    def noting(connection: object, table: object, *rest: object) -> None:
        seen.append(str(table))
        real(connection, table, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(application_rows, "copy_rows", noting)
    return seen


def test_a_batch_of_new_ones_takes_as_many_statements_whatever_its_size(
    database_url: str, tmp_path: Path, copies: list[str]
) -> None:
    taken = []
    for size in (BATCH, 3 * BATCH):
        with scene(
            database_url, tmp_path / str(size), config=CONFIG, confirm=False, batch_size=size
        ) as world:
            world.execute("TRUNCATE ats.application, report_data.question_check CASCADE")
            world.cycle()  # makes the client's row
            listed(world)
            copies.clear()
            with statements() as seen:
                assert world.cycle().tally.new == PROFILES
            batches = PROFILES // size
            assert len(copies) == 6 * batches
            assert not any(many for _, many in seen)
            assert sum("payload_sha256, revision FROM" in statement for statement, _ in seen) == batches
            assert sum("INSERT INTO ats.job" in statement for statement, _ in seen) == batches
            assert sum("raw_sha256 FROM unnest" in statement for statement, _ in seen) == 1
            taken.append(len(seen))
    assert taken[0] - taken[1] == 2 * OF_A_BATCH


def test_the_same_list_again_is_not_read_and_writes_nothing(
    database_url: str, tmp_path: Path, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(database_url, tmp_path, config=CONFIG, confirm=False) as world:
        listed(world)
        world.cycle()
        copies.clear()
        decoded: list[bytes] = []
        real = json_values.decode

        def noting(payload: bytes, *more: Any) -> Any:
            decoded.append(payload)
            return real(payload, *more)

        monkeypatch.setattr(payloads, "decode", noting)
        before = written(world)
        ids: list[int] = []
        for _ in range(5):
            opened = world.value("SELECT pg_current_xact_id()::text::bigint")
            ended = world.cycle()
            ids.append(world.value("SELECT pg_current_xact_id()::text::bigint") - opened)
            assert (ended.tally.unchanged, ended.tally.new, ended.tally.changed) == (PROFILES, 0, 0)
            assert (decoded, copies, written(world)) == ([], [], before)
        # Its row in ops.client_state is begun and finished; nothing else gets a transaction id (and so a commit to wait for).
        # Autovacuum, which may run beside, takes ids as well.
        assert min(ids) == 3
        assert ended.tally.http_calls == 1


def test_a_few_changed_ones_of_a_long_list_are_landed_together(
    database_url: str, tmp_path: Path, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LOOKED_UP_TOGETHER", 5)
    with scene(database_url, tmp_path, config=CONFIG, confirm=False, batch_size=BATCH) as world:
        listed(world)
        world.cycle()
        copies.clear()
        listed(world, changed=BATCH)
        with statements() as seen:
            ended = world.cycle()
        assert (ended.tally.changed, ended.tally.unchanged) == (BATCH, PROFILES - BATCH)
        assert copies == [f"ats.{name}" for name in CHILDREN]
        assert sum("raw_sha256 FROM unnest" in statement for statement, _ in seen) == PROFILES // 5
        assert sum("UPDATE ats.application SET" in statement for statement, _ in seen) == 1


CHILDREN = ("application_raw", "application_contact", "answer", "media", "attachment")


def test_other_bytes_of_the_same_meaning_are_read_and_write_nothing(
    database_url: str, tmp_path: Path, copies: list[str]
) -> None:
    with scene(database_url, tmp_path, config=CONFIG, confirm=False) as world:
        listed(world)
        world.cycle()
        copies.clear()
        before = written(world)
        listed(world, spelled=" ")
        ended = world.cycle()
        assert (ended.tally.unchanged, ended.tally.changed, copies, written(world)) == (
            PROFILES,
            0,
            [],
            before,
        )


def test_a_landing_that_fails_leaves_no_thread_behind(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(database_url, tmp_path, config=CONFIG, confirm=False, batch_size=1) as world:
        monkeypatch.setattr(changes, "LOOKED_UP_TOGETHER", 5)
        listed(world)
        world.cycle(max_polls=0)
        work = prepare_work(world.client, world.outsides, world.stop)

        def fail(_work: object, _batch: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(land, "land", fail)
        # What was raised keeps its frames, so that nothing ends by being forgotten.
        with pytest.raises(ZeroDivisionError) as failed:
            land.land_listed(work)
        assert failed.tb
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
