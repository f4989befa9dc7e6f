"""The rows below an application whose profile is read again: its answers, contact, attachments and media files.

They are deleted and written again, except for the rows of media files, which know what is on disk.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, text

from syncd.model import Profile

_DELETE = (
    text("DELETE FROM ats.answer WHERE client_id = :client_id AND profile_id = ANY(:ids)"),
    text("DELETE FROM ats.attachment WHERE client_id = :client_id AND profile_id = ANY(:ids)"),
    text("DELETE FROM ats.application_contact WHERE client_id = :client_id AND profile_id = ANY(:ids)"),
)


def delete(connection: Connection, client_id: str, ids: Sequence[str]) -> None:
    """Deletes the answers, attachments and contacts of these applications."""
    for statement in _DELETE:
        connection.execute(statement, {"client_id": client_id, "ids": list(ids)})


def named_media(client_id: str, profiles: Iterable[Profile]) -> list[dict[str, Any]]:
    """Returns the columns of each media file that these profiles name, with its key."""
    return [
        {"client_id": client_id, "profile_id": profile.profile_id, **file._asdict()}
        for profile in profiles
        for file in profile.media
    ]


_DROP_UNNAMED_MEDIA = text(
    """
    WITH dropped AS (
        DELETE FROM ats.media m
        WHERE client_id = :client_id AND profile_id = ANY(:ids)
        AND NOT EXISTS (
            SELECT FROM unnest(CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])) AS named(profile_id, media_id)
            WHERE named.profile_id = m.profile_id AND named.media_id = m.media_id
        )
        RETURNING client_id, profile_id, media_id
    )
    INSERT INTO ops.media_removal (client_id, profile_id, media_id)
    SELECT * FROM dropped
    ON CONFLICT DO NOTHING
    """
)


def drop_unnamed_media(
    connection: Connection, client_id: str, ids: Sequence[str], named: Sequence[dict[str, Any]]
) -> None:
    """Deletes the media files of these applications that are not among `named`, and lists them for removal."""
    connection.execute(
        _DROP_UNNAMED_MEDIA,
        {
            "client_id": client_id,
            "ids": list(ids),
            "profile_ids": [each["profile_id"] for each in named],
            "media_ids": [each["media_id"] for each in named],
        },
    )


_KEPT_MEDIA = text(
    "SELECT profile_id, media_id FROM ats.media WHERE client_id = :client_id AND profile_id = ANY(:ids)"
)


def kept_media(connection: Connection, client_id: str, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Returns the media files of these applications that have a row, as (profile_id, media_id)."""
    if not ids:
        return set()
    rows = connection.execute(_KEPT_MEDIA, {"client_id": client_id, "ids": list(ids)})
    return {(row.profile_id, row.media_id) for row in rows}
