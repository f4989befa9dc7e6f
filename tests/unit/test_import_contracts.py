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


def importing(library: str) -> set[str]:
    """The modules of syncd that import this library."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "syncd").rglob("*.py")
        if any(
            line.startswith((f"import {library}", f"from {library}"))
            for line in path.read_text().splitlines()
        )
    }


def test_http_libraries_are_imported_where_a_newcomer_looks_for_them() -> None:
    assert importing("pycurl") == {"syncd/pitchyou/curl_transport.py"}
    assert importing("httpx") == {"syncd/pitchyou/curl_transport.py", "syncd/pitchyou/http.py"}
