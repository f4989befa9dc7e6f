"""Maps the ids of a media file to its path, and a path to the ids.

A path follows from our ids alone, percent-encoded. PitchYou's `fileName` is never part of a path.
"""

import hashlib
from urllib.parse import quote, unquote

from syncd.model import MediaKey

_LONGEST_NAME = 200  # characters
_DIGEST = "%sha256-"


def path_of(client_id: str, key: MediaKey) -> str:
    """Returns where a file is stored, relative to the media root: `client/profile/media`."""
    return f"{client_id}/{_component(key.profile_id)}/{_component(key.media_id)}"


def key_at(path: str) -> MediaKey | None:
    """Returns the key of the file at `path`, or None if the path is not `client/profile/media`.

    The key is meaningless if `has_digest` is true of the path.
    """
    _, *ids = path.split("/")
    return MediaKey(*map(unquote, ids)) if len(ids) == 2 else None


def profile_at(path: str) -> str | None:
    """Returns the id of the application that a file was stored for, or None if its path does not tell."""
    key = key_at(path)
    return None if key is None or has_digest(path) else key.profile_id


def has_digest(path: str) -> bool:
    """Whether the path holds the digest of an id in place of the id, which cannot be read from it."""
    return f"/{_DIGEST}" in path


def _component(identifier: str) -> str:
    """Returns a file name that no other id has: percent-encoded, or a digest where that would be too long.

    The name never starts with a dot, and no percent-encoded name starts like a digest's.
    """
    name = quote(identifier, safe="")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        return _DIGEST + hashlib.sha256(identifier.encode()).hexdigest()
    return name
