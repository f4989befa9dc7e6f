"""The list of profiles (S2.1), read as it is iterated."""

import hashlib
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou.json_values import presumed_id
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.spool import Element, Spool


class Unread:
    """One element of the list before anybody has looked inside.

    `presumed_id` is what seems to be its profileId, None where nothing does; only `read` knows for sure. `raw_sha256` is
    the digest of its bytes.
    """

    __slots__ = ("_element", "_listing", "presumed_id", "raw_sha256")

    def __init__(self, element: Element, listing: "Listing") -> None:
        self._element, self._listing = element, listing
        self.presumed_id = presumed_id(element.payload)
        self.raw_sha256 = hashlib.sha256(element.payload).digest()

    @property
    def payload(self) -> bytes:
        """Its exact bytes."""
        return self._element.payload

    def read(self) -> Profile | BadProfile:
        """Read it."""
        return self._listing.read(self._element)


class Listing:
    """One list answer (S2.1). Iterate it once; `len()` is the number of elements."""

    def __init__(self, elements: Spool, fields: FieldMap, timezone: ZoneInfo) -> None:
        self._elements, self._fields, self._timezone = elements, fields, timezone

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[Profile | BadProfile]:
        """The profiles, last in the answer first; of several with one profileId the first given is the valid one."""
        return map(self.read, self._elements)

    def unread(self) -> Iterator[Unread]:
        """The same, for who does not need to look into each."""
        return (Unread(element, self) for element in self._elements)

    def read(self, element: Element) -> Profile | BadProfile:
        """Read one element."""
        return read_profile(element, self._fields, self._timezone)
