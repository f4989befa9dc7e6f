"""The files on disk, as the rows know them: which to verify, which to remove, and which rows a path may belong to."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, text

from syncd.model import MediaKey, StoredFile

_REMOVALS = text(
    """
    SELECT profile_id, media_id, EXISTS (
        SELECT FROM ats.media m
        WHERE m.client_id = r.client_id AND m.profile_id = r.profile_id AND m.media_id = r.media_id
    ) AS wanted
    FROM ops.media_removal r
    WHERE client_id = :client_id AND (profile_id, media_id) > (:profile_id, :media_id)
    ORDER BY profile_id, media_id
    LIMIT :limit
    """
)


def removals(
    connection: Connection, client_id: str, after: MediaKey, limit: int
) -> list[tuple[MediaKey, bool]]:
    """Selects files to remove that follow the key `after`, each with whether a later revision names it (then it stays)."""
    rows = connection.execute(_REMOVALS, {"client_id": client_id, **asdict(after), "limit": limit})
    return [(MediaKey(row.profile_id, row.media_id), row.wanted) for row in rows]


_FORGET_REMOVALS = text(
    """
    DELETE FROM ops.media_removal AS m
    USING unnest(CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])) AS f(profile_id, media_id)
    WHERE m.client_id = :client_id AND m.profile_id = f.profile_id AND m.media_id = f.media_id
    """
)


def forget_removals(connection: Connection, client_id: str, keys: Sequence[MediaKey]) -> None:
    """Strikes files off the list of files to remove."""
    connection.execute(_FORGET_REMOVALS, {"client_id": client_id} | _arrays(keys))


_STORED_AFTER = text(
    """
    SELECT profile_id, media_id, storage_path, size_bytes, sha256, mime_sniffed FROM ats.media
    WHERE client_id = :client_id AND state = 'stored' AND (profile_id, media_id) > (:profile_id, :media_id)
    ORDER BY profile_id, media_id
    LIMIT :limit
    """
)


def stored_after(
    connection: Connection, client_id: str, after: MediaKey, limit: int
) -> list[tuple[MediaKey, StoredFile]]:
    """Selects the stored files that follow the key `after`, in the order of their keys."""
    rows = connection.execute(_STORED_AFTER, {"client_id": client_id, **asdict(after), "limit": limit})
    return [
        (
            MediaKey(row.profile_id, row.media_id),
            StoredFile(row.storage_path, row.size_bytes, bytes(row.sha256), row.mime_sniffed),
        )
        for row in rows
    ]


_NOTE_VERIFIED = text(
    """
    UPDATE ats.media AS m SET verified_at = now()
    FROM unnest(CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])) AS f(profile_id, media_id)
    WHERE m.client_id = :client_id AND m.profile_id = f.profile_id AND m.media_id = f.media_id
    """
)


def note_verified(connection: Connection, client_id: str, keys: Sequence[MediaKey]) -> None:
    """Records that files were read and agreed with their rows."""
    connection.execute(_NOTE_VERIFIED, {"client_id": client_id} | _arrays(keys))


# 66 bytes is the longest id that always fits into a path when it is percent-encoded (200 characters); a longer one may
# be represented by its digest.
_ROWS_OF = text(
    """
    SELECT m.profile_id, m.media_id, storage_path FROM ats.media m
    JOIN unnest(CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])) AS f(profile_id, media_id)
    ON m.client_id = :client_id AND m.profile_id = f.profile_id AND m.media_id = f.media_id
    UNION
    SELECT r.profile_id, r.media_id, NULL FROM ops.media_removal r
    JOIN unnest(CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])) AS f(profile_id, media_id)
    ON r.client_id = :client_id AND r.profile_id = f.profile_id AND r.media_id = f.media_id
    UNION
    SELECT profile_id, media_id, storage_path FROM ats.media
    WHERE client_id = :client_id
    AND cardinality(CAST(:digest_paths AS text[])) > 0
    AND (
        storage_path = ANY(:digest_paths)
        OR storage_path IS NULL AND greatest(octet_length(profile_id), octet_length(media_id)) > 66
    )
    """
)


def rows_of(
    connection: Connection, client_id: str, keys: Sequence[MediaKey], digest_paths: Sequence[str]
) -> list[tuple[MediaKey, str | None]]:
    """Selects the rows that files on disk may belong to, each with the path of its stored file, if it has one.

    A row of `ops.media_removal` counts as well: the next cycle removes its file.

    Args:
        keys: the keys that were read from the files' paths.
        digest_paths: paths that hold a digest in place of an id.
    """
    rows = connection.execute(
        _ROWS_OF, {"client_id": client_id, "digest_paths": list(digest_paths)} | _arrays(keys)
    )
    return [(MediaKey(row.profile_id, row.media_id), row.storage_path) for row in rows]


def _arrays(keys: Sequence[MediaKey]) -> dict[str, object]:
    return {
        "profile_ids": [key.profile_id for key in keys],
        "media_ids": [key.media_id for key in keys],
    }
