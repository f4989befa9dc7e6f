"""Keeps the interview templates of one client (contract S1.1): built in, replaced, withdrawn and restored."""

import threading
from collections.abc import Sequence
from typing import Any

from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content import vocabulary


class Templates:
    """The template list of one client. Safe to share between threads."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._given: list[Any] | None = None
        self._withdrawn: set[str] = set()

    def replace(self, elements: Sequence[Any] | None) -> None:
        """Sets the elements of the list, of any shape; None restores the built-in ones. Forgets what was withdrawn."""
        with self._lock:
            self._given = None if elements is None else list(elements)
            self._withdrawn.clear()

    def withdraw(self, key: str) -> None:
        """Withdraws the template with this key. Raises KeyError if the list has no such template."""
        with self._lock:
            if key not in map(_key, self._listed()):
                raise KeyError(f"no template {key}")
            self._withdrawn.add(key)

    def restore(self, key: str) -> None:
        """Restores a withdrawn template. Raises KeyError if no such template was withdrawn."""
        with self._lock:
            self._withdrawn.remove(key)

    def listed(self) -> list[Any]:
        """Returns the elements of the list without the withdrawn ones."""
        with self._lock:
            return self._listed()

    def has(self, key: str) -> bool:
        """Says whether this key currently leads to an interview."""
        return key in map(_key, self.listed())

    def _listed(self) -> list[Any]:
        elements = self._built_in() if self._given is None else self._given
        return [each for each in elements if _key(each) not in self._withdrawn]

    def _built_in(self) -> list[Any]:
        kind = self._config.descriptions
        templates = []
        for key, (german, english) in vocabulary.TEMPLATES.items():
            shapes = {"string": german, "list": [german, english], "map": {"de": german, "en": english}}
            templates.append({"templateKey": key, "descriptions": shapes[kind]})
        return templates


def _key(element: Any) -> str | None:
    """Returns the key as it stands in an apply link, or None if the element has no key."""
    key = element.get("templateKey") if isinstance(element, dict) else None
    return None if key is None else str(key)
