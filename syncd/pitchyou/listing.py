"""The list of profiles (S2.1), read as it is iterated."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from syncd.model import BadProfile, FieldMap, Profile
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.spool import Spool


class Listing:
    """One list answer (S2.1). Iterate it once; `len()` is the number of elements."""

    def __init__(self, elements: Spool, fields: FieldMap, timezone: ZoneInfo) -> None:
        self._elements, self._fields, self._timezone = elements, fields, timezone

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[Profile | BadProfile]:
        """The profiles, last in the answer first; of several with one profileId the first given is the valid one."""
        for element in self._elements:
            yield read_profile(element, self._fields, self._timezone)
