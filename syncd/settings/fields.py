"""Declares keys: a field of a section carries its default and, as metadata, how its value is checked.

`keys.py` derives the table of all keys from these fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from syncd.settings.values import Kind, parse_secret, path

T = TypeVar("T")

SECRET = Kind("text", parse_secret)
"""A field of this kind stands for two keys: `NAME` holds the secret, `NAME_file` names a file that contains it."""

SECRET_FILE = path("the name of a file that contains only the secret", secret=True)


@dataclass(frozen=True, slots=True)
class Key:
    """One key as a section declares it. `default` is None if there is none.

    `reserved` is not empty if the key does nothing yet; it says what therefore does not happen.
    """

    name: str
    kind: Kind
    default: object
    reserved: str


def key(default: T, kind: Kind, *, reserved: str = "") -> T:
    """Declare a key that may be absent. A key that is checked but does nothing yet says so by `reserved`."""
    return field(default=default, metadata=checked(kind) | {"reserved": reserved})


def checked(kind: Kind) -> dict[str, Any]:
    """Return the metadata of a key that is required: `client_id: str = field(metadata=checked(KIND))`."""
    return {"kind": kind}


def table(default: T, kinds: Mapping[str, Kind]) -> T:
    """Declare a table within a section: `default` is a dataclass, `kinds` has the kind of each of its fields."""
    return field(default=default, metadata={"kinds": kinds})


def declared(section: Any) -> Iterator[Key]:
    """List the keys that a section declares, in the order of its fields."""
    for each in fields(section):
        if "kinds" in each.metadata:
            for name, kind in each.metadata["kinds"].items():
                yield Key(f"{each.name}.{name}", kind, getattr(each.default, name), reserved="")
            continue
        if "kind" not in each.metadata:
            # Derived from another key.
            continue
        kind, default = each.metadata["kind"], None if each.default is MISSING else each.default
        yield Key(each.name, kind, default, each.metadata.get("reserved", ""))
        if kind is SECRET:
            yield Key(f"{each.name}_file", SECRET_FILE, None, reserved="")
