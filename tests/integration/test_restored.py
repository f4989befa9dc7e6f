"""After a restore of the database or of the media root, nothing is deleted or confirmed, and what is lost is named."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import SandboxConfig
from tests.system.processes import Site, site

CONFIG = SandboxConfig(profiles=4, media_per_profile=2.0, media_size=500)
SAID = {"database": "the database is older than the media root", "disk": "the media root is older"}


@pytest.fixture
def here(database_url: str, tmp_path: Path) -> Iterator[Site]:
    with site(database_url, tmp_path, CONFIG) as opened:
        assert opened.run("sync").returncode == 0
        yield opened


@pytest.fixture
def copy(shared_postgres: EmbeddedPostgres, database_url: str) -> Iterator[Callable[[], str]]:
    """Copies the database with pg_dump, and returns the URL of the copy."""
    plain = database_url.replace("+psycopg", "")
    parts = urlsplit(plain)
    made: list[str] = []

    def copied() -> str:
        name = f"restored_{len(made)}"
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        url = urlunsplit(parts._replace(path=f"/{name}"))
        tools = shared_postgres.bin_dir
        dump = subprocess.run([tools / "pg_dump", "-Fc", plain], check=True, capture_output=True).stdout
        subprocess.run([tools / "pg_restore", "-d", url], input=dump, check=True)
        return url

    yield copied
    with psycopg.connect(plain, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def contents(root: Path) -> dict[str, bytes]:
    """The bytes of all applicants' files below a media root, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".syncd-store" not in path.parts
    }


def files_of(here: Site) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file, marks too. `check` makes and removes a folder, which changes those above."""
    found = here.files_as_they_are()
    return {path: state for path, state in found.items() if (here.media_root / path).is_file()}


def new_ones(here: Site) -> list[str]:
    """Four more applications, synced; the ids of those that have files."""
    before = {row for (row,) in here.rows("SELECT DISTINCT profile_id FROM ats.media")}
    here.sandbox.add_profiles(4)
    assert here.run("sync").returncode == 0
    after = {row for (row,) in here.rows("SELECT DISTINCT profile_id FROM ats.media")}
    assert after - before
    return sorted(after - before)


def refusals(here: Site, **environ: str) -> list[str]:
    """What each command says that must refuse: the daemon's cycle, `sync`, `check` and `verify --repair`."""
    said = []
    for command in (["sync"], ["verify", "--repair"]):
        result = here.run(*command, **environ)
        assert result.returncode == 4, result
        said.append(result.stdout + result.stderr)
    result = here.run("check", "--json", **environ)
    assert result.returncode == 4, result
    (problem,) = [each["problem"] for each in json.loads(result.stdout)["checks"] if each["problem"]]
    return [*said, problem]


def test_yesterdays_database_is_noticed_at_once_each_lost_application_is_named_and_no_file_is_deleted(
    here: Site, copy: Callable[[], str]
) -> None:
    here.sandbox.put_raw_profile(b'{"profileId": "revised"}')
    assert here.run("sync").returncode == 0
    restored = copy()
    with psycopg.connect(restored) as connection:
        backed_up = set(connection.execute("SELECT profile_id FROM ats.application").fetchall())
    lost = new_ones(here)
    # One that has no file, and a newer revision of one that both have.
    here.sandbox.put_raw_profile(b'{"profileId": "no file"}')
    here.sandbox.put_raw_profile(b'{"profileId": "revised", "firstName": "Changed"}')
    assert here.run("sync").returncode == 0
    new = {profile_id for (profile_id,) in {*here.rows("SELECT profile_id FROM ats.application")} - backed_up}
    others = sorted({*new, "revised"} - {*lost})
    assert {"no file", "revised"} <= {*others}
    before = contents(here.media_root)
    confirms = len(here.sandbox.ledger.requests)
    for said in refusals(here, DATABASE__URL=restored):
        assert "the database is older than the media root" in said
        assert all(repr(profile_id) in said for profile_id in [*lost, *others])
    asked = {request.path for request in here.sandbox.ledger.requests[confirms:]}
    assert not any("confirm" in path for path in asked)
    with here.start("run", DATABASE__URL=restored) as daemon:
        [event] = daemon.wait_for("cycle_failed")[:1]
        assert "the database is older than the media root" in event["error_message"]
        named = daemon.events("application_not_paired")
        assert [each["profile_id"] for each in named][: len(new) + 1] == [*lost, *others]
        assert daemon.stop() == 0
    assert contents(here.media_root) == before
    accepted = here.run("verify", "--accept", "--json", DATABASE__URL=restored)
    assert accepted.returncode == 0, accepted
    told = json.loads(accepted.stdout)["clients"]["acme"]["accepted"]
    assert told == {
        "kind": "database_older",
        "without_row": lost,
        "only_confirmed": others,
        "without_file": [],
    }
    assert '"pair_accepted"' in accepted.stderr
    with psycopg.connect(restored) as connection:
        kept = connection.execute("SELECT kind, without_row FROM ops.acceptance").fetchall()
    assert kept == [("database_older", sorted([*lost, *others]))]
    result = here.run("verify", "--repair", DATABASE__URL=restored)
    assert result.returncode == 0, result
    moved = contents(here.media_root)
    assert sorted(moved.values()) == sorted(before.values())
    assert {path.split("/")[2] for path in moved if path.startswith(".lost/")} == set(lost)
    assert here.run("check", DATABASE__URL=restored).returncode == 0
    # The newer database is the wrong one now.
    assert here.run("sync").returncode == 4


def test_a_disk_from_a_backup_is_noticed_and_names_the_applications_whose_files_are_missing(
    here: Site, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    shutil.copytree(here.media_root, older)
    lost = new_ones(here)
    here.execute("UPDATE ats.application SET confirmed_revision = 0 WHERE profile_id = %s", lost[0])
    before = contents(older)
    for said in refusals(here, MEDIA__ROOT=str(older)):
        assert "the media root is older than the database" in said
        places = [said.index(repr(profile_id)) for profile_id in [*lost[1:], lost[0]]]
        assert places == sorted(places)
    # The mark alone is not there: a disk that lost more than files, or a mark that is not one.
    odd = b'{"store": "x", "generation": 1, "token": "\\u0000"}'
    mark = older / ".syncd-store/acme"
    for content in (b"", b"{}", b"[]", odd, None):
        mark.unlink() if content is None else mark.write_bytes(content)
        assert here.run("sync", MEDIA__ROOT=str(older)).returncode == 4
    assert contents(older) == before
    result = here.run("verify", "--accept", "--repair", "--json", MEDIA__ROOT=str(older))
    told = json.loads(result.stdout)["clients"]["acme"]
    assert told["accepted"]["without_file"] == [*lost[1:], lost[0]]
    assert (result.returncode, told["mended"]) == (0, len(told["faults"])), result
    assert contents(older) == contents(here.media_root)
    assert here.run("sync", MEDIA__ROOT=str(older)).returncode == 0
    # A new disk: the folder that the operator makes says that the old one is not just unmounted.
    shutil.rmtree(older)
    unmounted = here.run("check", MEDIA__ROOT=str(older))
    assert (unmounted.returncode, "run `syncd verify --accept --repair`" in unmounted.stdout) == (1, True)
    assert here.run("verify", "--accept", MEDIA__ROOT=str(older)).returncode == 1
    (older / "acme").mkdir(parents=True, mode=0o700)
    assert here.run("verify", "--repair", MEDIA__ROOT=str(older)).returncode == 4
    assert here.run("verify", "--accept", "--repair", MEDIA__ROOT=str(older)).returncode == 0
    assert contents(older) == contents(here.media_root)


def test_a_copy_for_staging_touches_no_file_of_production(
    here: Site, copy: Callable[[], str], tmp_path: Path
) -> None:
    staging = copy()
    with psycopg.connect(staging) as connection:
        connection.execute(
            "UPDATE ops.secret SET value = uuid_send(gen_random_uuid()) WHERE name = 'store_id'"
        )
    before = files_of(here)
    for said in refusals(here, DATABASE__URL=staging):
        assert "the media root belongs to another store" in said
    assert here.run("verify", "--accept", DATABASE__URL=staging).returncode == 4
    assert files_of(here) == before
    assert here.run("verify", "--disk-of", "x").returncode == 2
    # With a copy of the disk, and the id that the message names.
    own = tmp_path / "own"
    shutil.copytree(here.media_root, own)
    environ = {"DATABASE__URL": staging, "MEDIA__ROOT": str(own)}
    refused = here.run("verify", **environ)
    assert refused.returncode == 4, refused
    option = refused.stdout.split("--disk-of ")[1].split("`")[0].strip("'")
    assert here.run("verify", "--accept", "--disk-of", option, **environ).returncode == 0
    assert here.run("sync", **environ).returncode == 0
    assert here.run("sync").returncode == 0
    here.assert_complete()


def test_a_copy_that_kept_the_id_is_noticed_by_the_other_one(here: Site, copy: Callable[[], str]) -> None:
    copied = copy()
    here.sandbox.add_profiles(2)
    assert here.run("sync", DATABASE__URL=copied).returncode == 0
    # Ours may not even have that application's row.
    here.execute("UPDATE ats.application SET confirmed_revision = 0")
    before = here.files_as_they_are()
    result = here.run("sync")
    assert result.returncode == 4
    assert "the database is older than the media root" in result.stderr
    here.execute("UPDATE ops.store_mark SET generation = generation + 1, token = 'of-this-branch'")
    result = here.run("sync")
    assert result.returncode == 4
    assert "belongs to another store, a copy of this one" in result.stderr
    assert here.files_as_they_are() == before


@contextmanager
def mark_of(here: Site) -> Iterator[dict[str, Any]]:
    path = here.media_root / ".syncd-store/acme"
    mark = json.loads(path.read_text())
    yield mark
    path.write_text(json.dumps(mark))


def test_a_crash_between_any_two_steps_of_a_new_mark_is_no_restore(here: Site) -> None:
    """Each state that a crash may leave, for the first mark and for a later one."""
    announce = "UPDATE ops.store_mark SET next_token = 'next'"
    # Announced, and not on the disk yet.
    here.execute(announce)
    assert here.run("check").returncode == 0
    here.sandbox.add_profiles(1)
    assert here.run("sync").returncode == 0
    # On the disk, and not the present one yet: it is finished by the next change, not by an idle cycle.
    here.execute(announce)
    with mark_of(here) as mark:
        mark |= {"token": "next", "generation": int(mark["generation"]) + 1}
    assert here.run("check").returncode == 0
    assert here.run("sync").returncode == 0
    here.sandbox.add_profiles(1)
    assert here.run("sync").returncode == 0
    with mark_of(here) as mark:
        found = here.rows("SELECT generation, token, next_token FROM ops.store_mark")
        assert found == [(mark["generation"], mark["token"], None)]
    # The first one: announced only; then on the disk as well.
    for on_disk in (False, True):
        here.execute("UPDATE ops.store_mark SET generation = 0, token = NULL, next_token = 'first'")
        with mark_of(here) as mark:
            mark |= {"token": "first", "generation": 1}
        if not on_disk:
            (here.media_root / ".syncd-store/acme").unlink()
        assert here.run("sync").returncode == 0
    assert here.value("SELECT generation FROM ops.store_mark") == 2
    here.assert_complete()


def test_a_backup_of_one_change_ago_is_no_crash(here: Site) -> None:
    """The smallest restore there is: one application was confirmed since, in one change."""
    path = here.media_root / ".syncd-store/acme"
    before, [row] = path.read_text(), here.rows("SELECT generation, token, next_token FROM ops.store_mark")
    here.sandbox.put_raw_profile(b'{"profileId": "one", "cv": {"mediaId": "m"}}')
    assert here.run("sync").returncode == 0
    after = path.read_text()
    assert here.value("SELECT generation FROM ops.store_mark") == row[0] + 1
    path.write_text(before)
    assert "the media root is older" in here.run("check").stdout
    path.write_text(after)
    assert here.run("check").returncode == 0
    here.execute("UPDATE ops.store_mark SET generation = %s, token = %s, next_token = %s", *row)
    assert "the database is older" in here.run("check").stdout


def test_an_upgraded_store_takes_what_it_finds_and_an_idle_cycle_writes_no_mark(here: Site) -> None:
    here.execute("DELETE FROM ops.store_mark")
    shutil.rmtree(here.media_root / ".syncd-store")
    assert here.run("check").returncode == 0
    assert here.run("sync").returncode == 0
    marks = here.files_as_they_are()[".syncd-store/acme"]
    assert here.value("SELECT generation FROM ops.store_mark") == 1
    assert here.run("sync").returncode == 0
    assert here.files_as_they_are()[".syncd-store/acme"] == marks
    assert here.value("SELECT generation FROM ops.store_mark") == 1
