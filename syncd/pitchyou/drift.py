"""Finds the fields of profiles that syncd does not know: their paths and types, never their values.

A field is unknown if parsing has left it over: it is in `extra` of the contact or of an answer, or in a media entry. So
there is no list of known fields beside the one that is parsed by.

Keys may be personal as well, such as those of an object that has an entry for each e-mail address. A key that does not
look like the name of a field becomes `*`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import asdict
from functools import lru_cache
from typing import NamedTuple

from syncd.model import FieldMap, Json, Profile
from syncd.pitchyou.payloads import KNOWN_KEYS

MAX_FIELDS = 1000
"""Different fields that are told apart, in one profile and in one client's table."""

MAX_KEYS = 100  # An object with more of them is taken for a dictionary, whose keys are data.
MAX_LEVELS = 8
_FIELD_NAME = re.compile(r"[^\W\d][\w.-]{0,63}")
_DIGIT = re.compile(r"\d")
MAX_DIGITS = 6  # A key with more of them may be a phone number or an id.
_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]{16,}")
MAX_SHAPES = 1000
_OF_A_STEP = ("question", "answer")


_Shape = tuple[str, tuple[str, ...], tuple[type, ...]]


class Field(NamedTuple):
    """A field by its JSON path, such as `$.steps[*].rating`, and the JSON type of its value."""

    path: str
    type: str


FURTHER = Field("*", "any")
"""Stands for all fields that are not told apart any more."""


class UnknownFields:
    """Counts the profiles that have a field which neither the article nor the field map names.

    Holds at most `MAX_FIELDS` fields, whatever the profiles hold.
    """

    def __init__(self, fields: FieldMap) -> None:
        paths = asdict(fields)
        # An empty value at these paths says nothing: a mapped field is null, or its object has nothing else.
        self._of_steps = _expected("$.steps[*]", [paths.pop(name) for name in _OF_A_STEP])
        self._of_profiles = _expected("$", list(paths.values()))
        self._found: Counter[tuple[str, str]] = Counter()
        # Almost all steps have the same few shapes. For each shape of scalars, its fields.
        self._flat: dict[_Shape, frozenset[Field]] = {}

    def add(self, profile: Profile) -> None:
        """Counts the unknown fields of one profile."""
        found: set[Field] = set()
        rest = profile.contact.extra
        if rest:
            # A reference that is too long for its column is among the rest as a whole.
            rest = {key: child for key, child in rest.items() if key not in KNOWN_KEYS}
            if rest:
                found |= self._fields_of(rest, "$", self._of_profiles)
        for answer in profile.answers:
            if answer.extra:
                found |= self._fields_of(answer.extra, "$.steps[*]", self._of_steps)
        for path, extra in profile.file_extras:
            found |= self._fields_of(extra, path, frozenset())
        further = False
        for field in found:
            if field in self._found or len(self._found) < MAX_FIELDS:
                self._found[field] += 1
            else:
                further = True
        if further:
            self._found[FURTHER] += 1

    def take(self) -> dict[tuple[str, str], int]:
        """Returns the number of profiles for each path and type, and starts again."""
        found, self._found = dict(self._found), Counter()
        return found

    def _fields_of(self, value: Mapping[str, Json], path: str, expected: frozenset[str]) -> Set[Field]:
        """Returns the fields below an object that is not empty."""
        shape = (path, tuple(value), tuple(map(type, value.values())))
        if (flat := self._flat.get(shape)) is not None:
            return flat
        found: set[Field] = set()
        _add(value, path, 0, expected, found)
        if _CONTAINERS.isdisjoint(shape[2]) and len(value) <= MAX_KEYS and len(self._flat) < MAX_SHAPES:
            self._flat[shape] = frozenset(found)
        return found


def mapped_paths(fields: FieldMap) -> dict[str, str]:
    """Returns the name of each field of the map by its JSON path."""
    return {
        _path_of(dotted, "$.steps[*]" if name in _OF_A_STEP else "$"): name
        for name, dotted in asdict(fields).items()
    }


def _path_of(dotted: str, start: str) -> str:
    return start + "".join(map(_segment, dotted.split(".")))


def _expected(start: str, dotted_paths: list[str]) -> frozenset[str]:
    """Returns the JSON paths of mapped fields, and of the objects that hold them."""
    found = set()
    for dotted in dotted_paths:
        names = dotted.split(".")
        found |= {_path_of(".".join(names[:end]), start) for end in range(1, len(names) + 1)}
    return frozenset(found)


def _add(value: Json, path: str, level: int, expected: frozenset[str], found: set[Field]) -> None:
    if len(found) >= MAX_FIELDS:
        return
    if value and level < MAX_LEVELS:
        if isinstance(value, dict):
            is_dictionary = len(value) > MAX_KEYS
            for key, child in value.items():
                place = path + (".*" if is_dictionary else _segment(key))
                _add(child, place, level + 1, expected, found)
            return
        if isinstance(value, list):
            for child in value:
                _add(child, path + "[*]", level + 1, expected, found)
            return
    if (value is None or value == {}) and path in expected:
        return
    found.add(Field(path, _TYPES.get(type(value), "number")))


_CONTAINERS = frozenset({dict, list})
_TYPES = {str: "string", bool: "boolean", type(None): "null", list: "array", dict: "object"}


@lru_cache(maxsize=4096)
def _segment(key: str) -> str:
    """Returns a key as a part of a path, or `.*` if it may say who somebody is."""
    is_name = (
        _FIELD_NAME.fullmatch(key)
        and len(_DIGIT.findall(key)) <= MAX_DIGITS
        and not _HEXADECIMAL.fullmatch(key)
    )
    if not is_name:
        return ".*"
    # The field map cannot name a key with a dot, because a dot there leads into an object.
    return f"['{key}']" if "." in key else f".{key}"
