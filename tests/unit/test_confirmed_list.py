"""The list of what was about to be confirmed, on the media root."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.media.beneath import Root
from syncd.media.confirmed import KEPT, confirmed, note_confirmed
from syncd.media.mark import MARKS


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / MARKS).mkdir(mode=0o700)
    return Root(tmp_path)


def month(number: int) -> datetime:
    return datetime(2026 + number // 12, number % 12 + 1, 28, tzinfo=UTC)


def test_the_newest_revision_of_each_application_of_the_last_months_is_in_the_list(root: Root) -> None:
    assert [*confirmed(Root(root.path / "missing"), "acme"), *confirmed(root, "acme")] == []
    for number in range(9, 9 + KEPT + 1):
        note_confirmed(root, "acme", month(number), [(f"of-{number}", 1), ("each", number), ("ü\n", 1)])
        note_confirmed(root, "acme", month(number), [("each", 2)])
    note_confirmed(root, "acme-2", month(0), [("another client's", 1)])
    kept = range(10, 10 + KEPT)
    assert list(confirmed(root, "acme")) == [
        line for each in kept for line in ((f"of-{each}", 1), ("each", each), ("ü\n", 1), ("each", 2))
    ]
    assert list(confirmed(root, "acme-2")) == [("another client's", 1)]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (root.path / MARKS).iterdir()}
    assert modes == {
        f"{name}": 0o600 for name in ("acme.2026-11", "acme.2026-12", "acme.2027-01", "acme-2.2026-01")
    }


@pytest.mark.parametrize(
    "damage",
    [b'["cut o', b"\0" * 600, b'["x", 0]', b'["x\\u0000", 1]', b'["\\ud800", 1]', b"[1, 2]", b"7", b"\xff"],
)
def test_a_damaged_line_is_skipped_and_spoils_no_other(root: Root, damage: bytes) -> None:
    note_confirmed(root, "acme", month(0), [("before", 1)])
    with (root.path / MARKS / "acme.2026-01").open("ab") as file:
        file.write(damage)
    note_confirmed(root, "acme", month(0), [("after", 1)])
    assert list(confirmed(root, "acme")) == [("before", 1), ("after", 1)]


def test_lists_that_a_clock_has_left_in_later_months_do_not_cost_the_present_one(root: Root) -> None:
    for number in range(40, 40 + KEPT):
        note_confirmed(root, "acme", month(number), [("ahead", 1)])
    note_confirmed(root, "acme", month(1), [("now", 1)])
    note_confirmed(root, "acme", month(1), [("now", 2)])
    assert list(confirmed(root, "acme"))[:2] == [("now", 1), ("now", 2)]
