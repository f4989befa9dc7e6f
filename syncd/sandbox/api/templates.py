"""The interview templates of one client (contract S1.1): built in, replaced, withdrawn and restored."""

import threading
from collections.abc import Sequence
from typing import Any

from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content import vocabulary


class Templates:
    """What one client's list of templates says. Safe to use from many threads."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._given: list[Any] | None = None
        self._withdrawn: set[str] = set()

    def replace(self, elements: Sequence[Any] | None) -> None:
        """Answer these elements from now on, whatever they are; None: the built-in ones. Nothing is withdrawn then."""
        with self._lock:
            self._given = None if elements is None else list(elements)
            self._withdrawn.clear()

    def withdraw(self, key: str) -> None:
        """Let the template with this key vanish. Raises KeyError when the list has none."""
        with self._lock:
            if key not in map(_key, self._listed()):
                raise KeyError(f"no template {key}")
            self._withdrawn.add(key)

    def restore(self, key: str) -> None:
        """Let a withdrawn template come back. Raises KeyError when none with this key was withdrawn."""
        with self._lock:
            self._withdrawn.remove(key)

    def listed(self) -> list[Any]:
        """The elements of the list as it is answered now."""
        with self._lock:
            return self._listed()

    def has(self, key: str) -> bool:
        """Whether an interview can be run by this key now."""
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
    """The key as it reads in an apply link; None when the element has none."""
    key = element.get("templateKey") if isinstance(element, dict) else None
    return None if key is None else str(key)
