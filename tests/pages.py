"""The blocks of the pages."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def all_blocks(page: Path) -> list[tuple[str, str]]:
    """Each block of a page: its language, and what is in it."""
    return [(language, dedent(content)) for _, language, content in _BLOCK.findall(page.read_text())]


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page below docs/ that are in this language."""
    return [content for each, content in all_blocks(ROOT / "docs" / page) if each == language]
