"""Ids and file names that try to leave the media root, or to look like something else (faults.md, "hostile fileName")."""

import json
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox import SandboxConfig
from tests.integration.settling import assert_idle, confirmed, quarantined, settle
from tests.scene import scene

HOSTILE_IDS = (
    *("..", ".", "...", "....", "a/b", "/etc/passwd", "../../../etc/passwd", "a\\b", "..\\..", "C:\\x"),
    *("CON", "con.txt", "nul", "x:stream", "-rf", "~", "~root", "*", "?", "$HOME", "`id`", "a b", " ", "x.", "x "),
    *("%2e%2e", "%2E%2E", "%252e", "%2F", "%00", "%", "%sha256-" + "0" * 64, ".tmp", ".hidden", "#", "a;b", "a?b=c&d"),
    *("\u202egnp.exe", "\u2028", "\n", "\t", "\x7f", "\x01", "ä", "a\u0308", "\U0001f4c4", "ﬀ", "ÿ"),
    *("x" * 300, "y" * 300, "/" * 300, "ü" * 200, "A", "a"),
)  # fmt: skip

HOSTILE_NAMES = (
    *("../../etc/passwd", "/etc/passwd", "a\0b.pdf", "CON", "nul.pdf", "\u202efdp.exe", "x" * 10_240, "..", "", " "),
    *("a\nb", "a/b\\c", "%2e%2e%2f", "\ud800.pdf", "<script>.pdf", "'; DROP TABLE ats.media; --", "{}%s%n"),
)  # fmt: skip


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if is_file_of_others(path)}


def is_file_of_others(path: Path) -> bool:
    """Whether it is a file, and not the mark of a client."""
    return not path.is_dir() and ".syncd-store" not in path.parts


@pytest.mark.parametrize("where", ["profileId", "mediaId"])
def test_hostile_ids_make_one_file_each_two_folders_below_the_media_root(
    where: str, database_url: str, tmp_path: Path
) -> None:
    root = tmp_path / "a" / "b" / "media"
    with scene(database_url, root, config=SandboxConfig(profiles=0, after_confirm="stay")) as s:
        if where == "profileId":
            listed: list[Any] = [{"profileId": each, "cv": {"mediaId": "m"}} for each in HOSTILE_IDS]
        else:
            listed = [{"profileId": "P", "cv": [{"mediaId": each} for each in HOSTILE_IDS]}]
        for each in listed:
            s.sandbox.put_raw_profile(json.dumps(each).encode())
        settle(s)
        assert quarantined(s) == []
        assert sum(confirmed(s).values()) == len(listed)
        s.assert_complete()  # each file has its own bytes, found by its row
        files = s.files()
        assert len(files) == len(HOSTILE_IDS)
        assert everything_below(tmp_path) == {f"a/b/media/{file}" for file in files}
        for file in files:
            client, profile, media = file.split("/")
            assert client == "acme"
            for name in (profile, media):
                assert name.isascii()
                assert name.isprintable()
                assert not name.startswith(".")
                assert len(name) <= 200
        assert not [path for path in root.rglob("*") if path.is_symlink()]
        assert_idle(s)


def test_hostile_file_names_are_kept_as_text_and_used_for_nothing(database_url: str, tmp_path: Path) -> None:
    root = tmp_path / "a" / "b" / "media"
    entries = [{"mediaId": index, "fileName": name} for index, name in enumerate(HOSTILE_NAMES)]
    with scene(database_url, root, config=SandboxConfig(profiles=0)) as s:
        s.sandbox.put_raw_profile(json.dumps({"profileId": "P", "cv": entries}).encode())
        settle(s)
        s.assert_complete()
        expected = {f"a/b/media/acme/P/{index}" for index in range(len(HOSTILE_NAMES))}
        assert everything_below(tmp_path) == expected
        rows = s.rows("SELECT file_name FROM ats.media ORDER BY media_id::int")
        cleaned = [name.replace("\0", "\ufffd").replace("\ud800", "\ufffd") or None for name in HOSTILE_NAMES]
        assert [row["file_name"] for row in rows] == cleaned
