"""What keeps a cycle from working fails in `syncd check` too, in a line that names it; and nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.embedded import EmbeddedPostgres
from syncd.sandbox import Fault, SandboxConfig
from tests.integration.test_commands_db import with_roles
from tests.integration.test_faults_disk import mount, small_disk
from tests.starter import CLEAN
from tests.system.processes import Site, site
from tests.unit.test_trust import root_only

pytestmark = pytest.mark.slow

CONFIG = SandboxConfig(profiles=2, media_per_profile=1.0)


def failing(here: Site, **environ: str) -> dict[str, str]:
    """The checks that fail, each with its problem."""
    result = here.run("check", "--json", **environ)
    found = {
        each["check"]: each["problem"] for each in json.loads(result.stdout)["checks"] if each["problem"]
    }
    assert bool(found) == bool(result.returncode), result
    return found


def assert_both_fail(here: Site, line: str, problem: str, **environ: str) -> None:
    """Check fails in one line, which begins so, for this reason; and so does the next cycle, for any."""
    found = failing(here, **environ)
    assert [name for name in found if name.startswith(line)] == list(found), found
    assert any(problem in text for text in found.values()), found
    result = here.run("sync", **environ)
    assert result.returncode not in (0, 3), (line, problem, result)


DATABASE = [
    ("REVOKE INSERT ON ats.answer FROM syncd_writer", "INSERT on ats.answer"),
    ("REVOKE UPDATE ON ops.lease FROM syncd_writer", "UPDATE on ops.lease"),
    (
        "REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ats, ops FROM syncd_writer",
        "INSERT on ops.cycle",
    ),
    ("REVOKE USAGE ON SCHEMA ats FROM syncd_writer", "SELECT on ats.application"),
    ("ALTER ROLE syncd_writer SET default_transaction_read_only = on", "read-only"),
    ("ALTER TABLE ats.application ENABLE ROW LEVEL SECURITY", "row level security"),
]
MENDED = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ats, ops TO syncd_writer",
    "GRANT USAGE ON SCHEMA ats TO syncd_writer",
    "ALTER ROLE syncd_writer RESET default_transaction_read_only",
    "ALTER TABLE ats.application DISABLE ROW LEVEL SECURITY",
)


def test_what_the_role_may_not_do_fails_in_check_and_in_a_cycle(
    shared_postgres: EmbeddedPostgres, database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, CONFIG) as here, with_roles(shared_postgres, here) as writer:
        for statement, problem in DATABASE:
            here.execute(statement)
            assert_both_fail(here, "database lets this role", problem, DATABASE__URL=writer)
            for each in MENDED:
                here.execute(each)
        result = here.run("check", DATABASE__URL=writer)
        assert (result.returncode, "WARN" in result.stdout) == (0, False), result
        assert here.run("sync", DATABASE__URL=writer).returncode == 0
        here.assert_complete()


CHANGED = [
    (
        "ALTER TABLE ops.media_removal RENAME TO removed",
        "table ops.media_removal is missing",
        "ALTER TABLE ops.removed RENAME TO media_removal",
    ),
    (
        "ALTER TABLE ats.answer RENAME COLUMN extra TO more",
        "column extra of ats.answer is missing",
        "ALTER TABLE ats.answer RENAME COLUMN more TO extra",
    ),
    (
        "ALTER TABLE ops.cycle ADD house text NOT NULL DEFAULT ''; ALTER TABLE ops.cycle ALTER house DROP DEFAULT",
        "syncd does not fill column house of ops.cycle",
        "ALTER TABLE ops.cycle DROP COLUMN house",
    ),
]


def test_what_others_have_changed_in_the_tables_fails_in_check_and_in_a_cycle(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, CONFIG) as here:
        for statement, problem, undo in CHANGED:
            here.sandbox.add_profiles(1)
            here.execute(statement)
            assert_both_fail(here, "tables are as the migrations made them", problem)
            here.execute(undo)
        here.execute(
            "ALTER TABLE ats.application ADD COLUMN house text NOT NULL DEFAULT 'x', ADD COLUMN more text"
        )
        assert failing(here) == {}
        assert here.run("sync").returncode == 0
        here.assert_complete()


def test_tables_that_postgres_empties_after_a_crash_are_refused(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, CONFIG) as here:
        here.execute("ALTER TABLE ats.answer SET UNLOGGED")
        assert_both_fail(here, "database is durable", "would empty ats.answer after a crash")
        assert here.run("sync").returncode == 4
        assert here.sandbox.ledger.times_confirmed("acme") == {}
        here.execute("ALTER TABLE ats.answer SET LOGGED")
        assert failing(here) == {}


def test_a_login_that_owns_the_tables_is_warned_of(
    shared_postgres: EmbeddedPostgres, database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, CONFIG) as here, with_roles(shared_postgres, here) as writer:
        here.execute("ALTER TABLE ats.application OWNER TO syncd_writer")
        result = here.run("check", DATABASE__URL=writer)
        here.execute("ALTER TABLE ats.application OWNER TO postgres")
        assert result.returncode == 0
        assert "WARN  database.url: role 'syncd_writer' owns the tables" in result.stdout


def test_tables_of_another_application_fail_in_check_in_a_cycle_and_in_a_migration(
    empty_database_url: str, tmp_path: Path
) -> None:
    with site(empty_database_url, tmp_path, CONFIG) as here:
        here.execute("CREATE SCHEMA ops")
        here.execute("CREATE TABLE ops.alembic_version (version_num varchar(32) NOT NULL)")
        for revision in ("0003", "8a1f", "0001"):
            here.execute("DELETE FROM ops.alembic_version")
            here.execute("INSERT INTO ops.alembic_version VALUES (%s)", revision)
            found = failing(here)
            assert any("belongs to another application" in problem for problem in found.values()), found
            assert here.run("sync").returncode == 4
            assert "another application" in here.run("db", "upgrade").stderr
        assert here.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'ats'") == 0


def test_a_full_database_fails_in_check(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """As far as a row as long as a small profile shows."""
    with small_disk(tmp_path / "disk", "24m") as disk, site(own_postgres.url, tmp_path, CONFIG) as here:
        (disk / "space").mkdir()
        owner = (Path(own_postgres.log_path).stat().st_uid, Path(own_postgres.log_path).stat().st_gid)
        os.chown(disk / "space", *owner)
        for folder in (disk, *list(disk.parents)[:-1]):
            folder.chmod(folder.stat().st_mode | 0o001)
        assert here.run("db", "upgrade").returncode == 0
        here.execute(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
        for table in ("ops.quarantine", "ops.cycle", "ops.lease", "ats.application"):
            here.execute(f"ALTER TABLE {table} SET TABLESPACE small")
        assert failing(here) == {}
        with (disk / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize)
        assert_both_fail(here, "database has room", "Postgres cannot write")
        (disk / "filler").unlink()
        assert failing(here) == {}


PITCHYOU = [
    (Fault("profiles", "status", status=403, times=None), "HTTP 403"),
    (Fault("profiles", "status", status=404, times=None), "HTTP 404"),
    (Fault("profiles", "html", times=None), "web page"),
    (Fault("profiles", "object", times=None), "array"),
    (Fault("profiles", "redirect", times=None), "redirect"),
]


def test_a_token_without_the_list_fails_in_check_and_in_a_cycle(database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, CONFIG) as here:
        for fault, problem in PITCHYOU:
            here.sandbox.inject(fault)
            assert_both_fail(here, "PitchYou lists the applications of client", problem)
            here.sandbox.clear_faults()
        assert_both_fail(here, "PitchYou lists", "sync.max_response_bytes", SYNC__MAX_RESPONSE_BYTES="1KB")
        assert_both_fail(here, "PitchYou issues a token", "client_secret", CLIENT_SECRET="wrong")
        assert failing(here) == {}
        assert here.sandbox.ledger.times_confirmed("acme") == {}


@contextmanager
def link_for_the_client(here: Site) -> Iterator[None]:
    client = here.media_root / "acme"
    client.rename(here.folder / "elsewhere")
    client.symlink_to(here.folder / "elsewhere")
    yield
    client.unlink()
    (here.folder / "elsewhere").rename(client)


@contextmanager
def open_root(here: Site) -> Iterator[None]:
    here.media_root.chmod(0o777)
    yield
    here.media_root.chmod(0o700)


@contextmanager
def file_in_the_way(here: Site) -> Iterator[None]:
    temporary = here.media_root / ".tmp"
    shutil.rmtree(temporary)
    temporary.touch()
    yield
    temporary.unlink()


@contextmanager
def not_mounted(here: Site) -> Iterator[None]:
    here.media_root.rename(here.folder / "unmounted")
    here.media_root.mkdir(mode=0o700)
    yield
    here.media_root.rmdir()
    (here.folder / "unmounted").rename(here.media_root)


MEDIA: list[tuple[Callable[[Site], object], str]] = [
    (open_root, "chmod go-w"),
    (link_for_the_client, "symbolic link"),
    (file_in_the_way, "Not a directory"),
    (not_mounted, "mount its disk"),
]


def test_a_media_root_that_takes_no_file_fails_in_check_and_in_a_cycle(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, CONFIG) as here:
        assert here.run("sync").returncode == 0
        for fault, problem in MEDIA:
            with fault(here):  # type: ignore[attr-defined]  # each is a context manager
                assert_both_fail(here, "media root ", problem)
            assert failing(here) == {}
        assert here.run("sync").returncode == 0
        here.assert_complete()


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here to let fsync fail")
@pytest.mark.parametrize("failing_at", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_a_folder_that_takes_no_fsync_fails_in_check(
    failing_at: int, database_url: str, tmp_path: Path
) -> None:
    """The first fsync is of the test file, the others of folders. In a cycle: `test_faults_media_disk.py`."""
    with site(database_url, tmp_path, CONFIG) as here:
        inject = ["-e", "trace=fsync", "-e", f"inject=fsync:error=EINVAL:when={failing_at}+"]
        result = subprocess.run(
            [
                "strace",
                "-f",
                "-qq",
                "-o",
                tmp_path / "trace",
                *inject,
                sys.executable,
                "-m",
                "syncd",
                "check",
            ],
            env={**CLEAN, **here.environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stdout.count("FAIL  media root is writable")) == (1, 1), result
        assert not here.media_root.exists()


@root_only
def test_a_clients_folder_on_a_disk_of_its_own_and_a_disk_that_is_read_only_fail_in_check_and_in_a_cycle(
    database_url: str, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "disk", "16m") as disk,
        site(database_url, tmp_path, CONFIG, media_root=str(disk / "media")) as here,
    ):
        assert here.run("check").returncode == 0
        mount("-o", "remount,ro", disk)
        assert_both_fail(here, "media root ", "Read-only file system")
        mount("-o", "remount,rw", disk)
        (disk / "media" / "acme").mkdir(parents=True, mode=0o700)
        (tmp_path / "other").mkdir(mode=0o700)
        mount("--bind", tmp_path / "other", disk / "media" / "acme")
        try:
            assert_both_fail(here, "media root ", "is a mount of its own")
        finally:
            subprocess.run(["umount", disk / "media" / "acme"], check=True)
        assert failing(here) == {}
