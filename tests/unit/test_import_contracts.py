"""The layers of ARCHITECTURE.md hold: import-linter, as configured in pyproject.toml, finds no import against them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_module_imports_against_the_layers() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_httpx_is_imported_by_one_module_alone() -> None:
    importing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "syncd").rglob("*.py")
        if any(line.startswith(("import httpx", "from httpx")) for line in path.read_text().splitlines())
    }
    assert importing == {"syncd/pitchyou/http.py"}
