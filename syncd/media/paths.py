"""Where a file is: its place follows from our ids alone, percent-encoded. PitchYou's `fileName` is never part of a path."""

import hashlib
from urllib.parse import quote

from syncd.model import MediaKey


def path_of(client_id: str, key: MediaKey) -> str:
    """Where a file is, relative to the media root."""
    return f"{client_id}/{_component(key.profile_id)}/{_component(key.media_id)}"


def _component(identifier: str) -> str:
    """A file name that no other id has: percent-encoded, or a digest where that would be too long.

    It never starts with a dot, and no percent-encoded name starts like a digest's.
    """
    name = quote(identifier, safe="")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > 200:
        return "%sha256-" + hashlib.sha256(identifier.encode()).hexdigest()
    return name
