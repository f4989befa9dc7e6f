"""The table of environments in docs/operating.md names tests that exist, and every file whose tests ask for an environment."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
SECTION = (TESTS.parent / "docs" / "operating.md").read_text().partition("## Where syncd has been tried")[2]
NAMED = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", SECTION.partition("\n## ")[0])
# They need a tool of the developer, and say nothing about where syncd runs.
NO_ENVIRONMENT = {"system/test_release.py"}


def test_each_row_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| (?!environment|---)(.+) \|$", SECTION.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row.rpartition("|")[2]] == []
    missing = [name for file, name in NAMED if f"\ndef {name}(" not in (TESTS / file).read_text()]
    assert missing == []


def test_each_file_with_tests_that_not_every_machine_can_run_is_in_the_table() -> None:
    files = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.glob("*/test_*.py")
        if re.search(r"pytest\.skip\(|skipif\(", path.read_text())
    }
    assert files - NO_ENVIRONMENT - {file for file, _ in NAMED} == {"unit/test_environments.py"} & files
