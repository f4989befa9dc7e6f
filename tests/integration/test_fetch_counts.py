"""What keeps the fetch stage fast, in counts: statements, fsyncs, opened files and requests; and that nothing waits."""

import errno
import os
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from syncd.errors import MediaStoreFailed
from syncd.media.incoming import IncomingFile
from syncd.media.mark import MARKS
from syncd.media.vault import TEMPORARY
from syncd.sandbox import SandboxConfig
from syncd.store import media
from syncd.sync import fetch
from tests.integration.settling import MEDIA, TOKEN, calls, confirmed, settle, states
from tests.scene import Scene, scene

FILES, TOGETHER = 40, 10
CONFIG = SandboxConfig(profiles=0)


def add_files(world: Scene) -> None:
    """Half as many profiles as files, each with two."""
    for number in range(FILES // 2):
        media = ",".join(f'{{"mediaId":"m{each}","fileName":"f"}}' for each in range(2))
        world.sandbox.put_raw_profile(f'{{"profileId":"p{number}","cv":[{media}]}}'.encode())


@contextmanager
def statements() -> Iterator[list[tuple[str, bool]]]:
    """Every statement of the block on one line, and whether it was sent once for each row."""
    seen: list[tuple[str, bool]] = []

    def note(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, many: bool) -> None:
        seen.append((" ".join(statement.split()), many))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def kind_of(path: str, root: Path) -> str:
    """Which kind of place this is below the media root, or an empty string."""
    if not path.startswith(f"{root}/"):
        return ""
    first, *others = Path(path).relative_to(root).parts
    named = {TEMPORARY: "temporary", MARKS: "mark"}
    return named.get(first) or ("client", "profile", "file")[len(others)]


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "RECORDED_TOGETHER", TOGETHER)


@pytest.mark.usefixtures("together")
def test_statements_fsyncs_files_and_requests_of_forty_files(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, synced, opened = tmp_path / "m", Counter[str](), Counter[str]()
    real_fsync, real_open = os.fsync, os.open

    def fsync(descriptor: int) -> None:
        synced[kind_of(str(Path(f"/proc/self/fd/{descriptor}").readlink()), root)] += 1
        real_fsync(descriptor)

    def opening(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        descriptor = real_open(path, flags, *rest, **named)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            opened[kind_of(os.fsdecode(path), root)] += 1
        return descriptor

    with scene(database_url, root, config=CONFIG) as world:
        add_files(world)
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "open", opening)
        with statements() as seen:
            assert world.cycle().tally.media_stored == FILES
        monkeypatch.undo()
        world.assert_complete()
        assert len(calls(world, MEDIA)) == FILES
        assert len(calls(world, TOKEN)) == 1
    # The first cycle of a client makes a mark, and one more before the confirm of what one round has brought.
    marks = 2
    # What is about to be confirmed goes into a list, which is new.
    lists = 2
    assert {kind: synced[kind] for kind in ("temporary", "mark", "profile", "client", "file")} == {
        "temporary": FILES + marks,
        "mark": marks + lists,
        "profile": FILES,
        "client": FILES // TOGETHER,
        "file": 0,
    }
    assert {kind: opened[kind] for kind in ("temporary", "file")} == {
        "temporary": FILES + marks,
        "file": 0,
    }
    recorded = [many for statement, many in seen if statement.startswith("UPDATE ats.media AS m")]
    assert recorded == [False] * (FILES // TOGETHER)


@pytest.mark.usefixtures("together")
def test_failures_are_recorded_with_one_statement_for_a_batch(database_url: str, tmp_path: Path) -> None:
    with scene(database_url, tmp_path / "m", config=SandboxConfig(profiles=0, media_late=1.0)) as world:
        add_files(world)
        with statements() as seen:
            assert world.cycle().tally.media_stored == 0
        assert world.value("SELECT count(*) FROM ats.media WHERE last_error = 'http_404'") == FILES
        recorded = [many for statement, many in seen if statement.startswith("UPDATE ats.media AS m")]
        assert recorded == [False] * (FILES // TOGETHER)
        world.execute("UPDATE ats.media SET next_attempt_at = now()")
        settle(world)
        world.assert_complete()


@pytest.mark.usefixtures("together")
def test_downloads_go_on_while_results_are_recorded(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first transaction that records stays open until all files have come."""
    real, came = media.record, threading.Semaphore(0)
    waited: list[bool] = []

    with scene(database_url, tmp_path / "m", config=CONFIG, media_concurrency=2) as world:
        real_keep = IncomingFile.keep

        def keep(file: IncomingFile) -> Any:
            kept = real_keep(file)
            came.release()
            return kept

        def record(*arguments: Any) -> None:
            if not waited:
                waited.append(all(came.acquire(timeout=20) for _ in range(FILES)))
            real(*arguments)

        monkeypatch.setattr(IncomingFile, "keep", keep)
        monkeypatch.setattr(media, "record", record)
        add_files(world)
        assert world.cycle().tally.media_stored == FILES
        assert waited == [True]
        world.assert_complete()


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("failing", [1, 2, FILES // TOGETHER])
def test_after_a_failed_fsync_of_the_clients_folder_nothing_in_hand_is_believed(
    failing: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails once: the next fsync claims success, and must not be asked about the same files."""
    root, asked, real = tmp_path / "m", [], os.fsync

    def fsync(descriptor: int) -> None:
        if kind_of(str(Path(f"/proc/self/fd/{descriptor}").readlink()), root) == "client":
            asked.append(descriptor)
            if len(asked) == failing:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    with scene(database_url, root, config=CONFIG) as world:
        add_files(world)
        monkeypatch.setattr(os, "fsync", fsync)
        ended = world.cycle()
        assert isinstance(ended.error, MediaStoreFailed)
        assert len(asked) == failing
        assert ended.tally.media_stored == (failing - 1) * TOGETHER
        assert states(world).get("stored", 0) == (failing - 1) * TOGETHER
        settle(world)
        world.assert_complete()
        assert set(confirmed(world).values()) == {1}
