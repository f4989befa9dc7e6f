"""Parses the list of profiles (S2.1) during iteration."""

import hashlib
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou.json_values import presumed_id
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.spool import Element, Spool


class Unread:
    """One element of the list that is not parsed yet.

    `presumed_id` is the likely profileId, or None; `presumed_wire_id` is the same as JSON text. Only `read` determines it
    for certain. `raw_sha256` is the digest of the element's bytes.
    """

    __slots__ = ("_element", "_listing", "presumed_id", "presumed_wire_id", "raw_sha256")

    def __init__(self, element: Element, listing: "Listing") -> None:
        self._element, self._listing = element, listing
        self.presumed_wire_id = presumed_id(element.payload)
        self.presumed_id = self.presumed_wire_id.strip('"') if self.presumed_wire_id else None
        self.raw_sha256 = hashlib.sha256(element.payload).digest()

    @property
    def payload(self) -> bytes:
        """The exact bytes of the element."""
        return self._element.payload

    def read(self) -> Profile | BadProfile:
        """Parse the element."""
        return self._listing.read(self._element)


class Listing:
    """One list response (S2.1). Iterate it once. `len()` is the number of elements.

    `more` is how the response said that the list has more elements than these, or None.
    """

    def __init__(self, elements: Spool, fields: FieldMap, timezone: ZoneInfo) -> None:
        self.more = elements.more
        self._elements, self._fields, self._timezone = elements, fields, timezone

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[Profile | BadProfile]:
        """Yield the profiles, last in the response first. If a profileId repeats, the first one yielded is valid."""
        return map(self.read, self._elements)

    def unread(self) -> Iterator[Unread]:
        """Yield the same elements without parsing them."""
        return (Unread(element, self) for element in self._elements)

    def read(self, element: Element) -> Profile | BadProfile:
        """Parse one element."""
        return read_profile(element, self._fields, self._timezone)
