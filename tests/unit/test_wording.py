"""What people read is plain English: no phrase that a native speaker stumbles over, no endless lines in documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
READ_BY_PEOPLE = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
READ_BY_PEOPLE += sorted((ROOT / "syncd").rglob("*.py"))
AWKWARD = re.compile(
    r"(?<!there )(?<!There )\b(?:(?:is|are) none\b|is no (?!(?:longer|older|larger|more|less)\b)[a-z]+)|"
    r"\bmend(?:s|ed|ing)?\b|\banew\b|\bwhoever\b|\bso many\b|\bis had\b",
)
# A key of `syncd verify --json`, which scripts read.
KEYS = ('"mended"',)
WIDTH = 120


@pytest.mark.parametrize("path", READ_BY_PEOPLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_phrase_that_a_native_speaker_stumbles_over(path: Path) -> None:
    text = " ".join(path.read_text().split())
    for key in KEYS:
        text = text.replace(key, "")
    assert [text[max(0, hit.start() - 40) : hit.end() + 20] for hit in AWKWARD.finditer(text)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_wrap_at_120_columns(document: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    long = [line for line in prose.splitlines() if len(line) > WIDTH and not line.startswith(("|", "!", "<"))]
    assert [line for line in long if not re.fullmatch(r"\s*(?:- )?\S+", line)] == []
