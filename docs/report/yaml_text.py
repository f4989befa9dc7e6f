"""Writes YAML that is the same in each run: keys in our order, long texts wrapped."""

from __future__ import annotations

from enum import Enum
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_multi_representer(Enum, lambda dumper, value: dumper.represent_str(str(value)))


def yaml_text(document: Any) -> str:
    """Return the document as YAML."""
    written: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return written
