"""The audit judges the real cycle: nothing is wrong with it, and everything that is damaged behind its back is found."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from syncd.sandbox import SandboxConfig
from tests.integration.sandbox_calls import Calls
from tests.integration.sandbox_damage import DAMAGE
from tests.integration.sandbox_store import Store
from tests.scene import Scene, scene


@contextmanager
def after_a_cycle(database_url: str, root: Path) -> Iterator[tuple[Scene, Store]]:
    with scene(database_url, root, config=SandboxConfig(profiles=5)) as here:
        here.cycle()
        here.assert_complete()
        calls = Calls(here.sandbox)
        with closing(calls.http), psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
            yield here, Store(here.sandbox, calls, connection, root)


# One or two of each table and of the disk; test_sandbox_audit.py goes through all of them.
SAMPLE = (
    "no row",
    "payload never listed",
    "job lost",
    "answer missing",
    "text answer changed",
    "attachment missing",
    "media pending",
    "media called gone",
    "digest wrong",
    "file missing",
    "file cut short",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_damage_after_a_correct_cycle_is_found_and_nothing_else(
    database_url: str, tmp_path: Path, name: str
) -> None:
    damage, expected = DAMAGE[name]
    with after_a_cycle(database_url, tmp_path / "media") as (here, store):
        damage(store)
        findings = here.sandbox.audit().findings
        named = [finding for finding in findings if expected in finding]
        assert named
        profile = named[0].partition(":")[0]
        assert all(
            finding.startswith(f"{profile}: ") or "no row of ats.media names" in finding
            for finding in findings
        )


def test_a_file_left_over_and_an_unlisted_row_are_found_after_a_correct_cycle(
    database_url: str, tmp_path: Path
) -> None:
    with after_a_cycle(database_url, tmp_path / "media") as (here, store):
        (store.root / ".tmp-left").write_bytes(b"half a file")
        store.execute(
            "INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256) VALUES ('acme', 'x', '', '')"
        )
        assert here.sandbox.audit().findings == [
            "'x': stored, but it was never listed",
            ".tmp-left: a file that no row of ats.media names",
        ]


def test_a_mark_of_a_revision_that_is_not_the_stored_one_is_found(database_url: str, tmp_path: Path) -> None:
    with after_a_cycle(database_url, tmp_path / "media") as (here, store):
        store.execute("UPDATE ats.application SET confirmed_revision = 0")
        marks = [finding for finding in here.sandbox.audit().findings if "is marked confirmed" in finding]
        assert len(marks) == 5


def test_a_confirm_of_the_wrong_json_type_is_found_and_confirms_nothing_else(
    database_url: str, tmp_path: Path
) -> None:
    with scene(database_url, tmp_path / "media", config=SandboxConfig(profiles=2, id_type="integer")) as here:
        here.cycle()
        here.assert_complete()
        here.sandbox.add_profiles(1)
        calls = Calls(here.sandbox)
        with closing(calls.http):
            (new,) = calls.ids()
            calls.confirm([str(new)])
        assert here.sandbox.findings == [f"'{new}': confirmed as str, but it was listed as int"]
        here.cycle()
        assert here.sandbox.audit().findings == []
