"""The database's side of the marks by which a store and its media root know each other. See `syncd.sync.pair`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from syncd.errors import DataRefused, SyncdError
from syncd.model import Mark, MediaKey


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of the mark on the media root.

    Attributes:
        store: the id of this store, in hexadecimal.
        token: the present mark; None before the first one.
        next_token: the mark that is being written; None if none is.
        has_stored: whether any file of the client is stored.
    """

    store: str
    generation: int
    token: str | None
    next_token: str | None
    has_stored: bool


_KNOWN = text(
    """
    SELECT encode(s.value, 'hex') AS store, coalesce(m.generation, 0) AS generation, m.token, m.next_token,
           EXISTS (SELECT FROM ats.media WHERE client_id = :client_id AND state = 'stored') AS has_stored
    FROM ops.secret s LEFT JOIN ops.store_mark m ON m.client_id = :client_id
    WHERE s.name = 'store_id'
    """
)


def known(connection: Connection, client_id: str) -> Known:
    """Selects what the database knows of the client's mark. Raises `SyncdError` if the store has no id."""
    row = connection.execute(_KNOWN, {"client_id": client_id}).first()
    if row is None:
        raise SyncdError(
            "ops.secret has no row 'store_id', which the migration has made. Restore it from a backup"
        )
    return Known(**row._mapping)


# Without a mark on the media root, there must be none in the database either, or no file that could be missing.
_BEGIN = text(
    """
    INSERT INTO ops.store_mark AS m (client_id, next_token)
    SELECT :client_id, :next_token WHERE CAST(:token AS text) IS NULL
    OR EXISTS (SELECT FROM ops.store_mark WHERE client_id = :client_id)
    ON CONFLICT (client_id) DO UPDATE
        SET generation = greatest(m.generation, CAST(:generation AS bigint)), token = :token, next_token = excluded.next_token
        WHERE CAST(:token AS text) IN (m.token, m.next_token)
        OR CAST(:token AS text) IS NULL
            AND (m.token IS NULL OR NOT EXISTS (
                SELECT FROM ats.media WHERE client_id = :client_id AND state = 'stored'
            ))
    RETURNING generation
    """
)


def begin(connection: Connection, client_id: str, on_disk: Mark | None, next_token: str) -> int | None:
    """Announces the next mark, if the one on the media root is known here. Finishes a change that a crash interrupted.

    Returns:
        The generation of the next mark; None if the mark on the media root is not known, and nothing was changed.
    """
    values = {
        "client_id": client_id,
        "generation": on_disk.generation if on_disk else None,
        "token": on_disk.token if on_disk else None,
        "next_token": next_token,
    }
    generation: int | None = connection.execute(_BEGIN, values).scalar()
    return None if generation is None else generation + 1


_FINISH = text(
    """
    UPDATE ops.store_mark
    SET generation = generation + 1, token = next_token, next_token = NULL, changed_at = now()
    WHERE client_id = :client_id AND next_token = :token
    """
)
_IS_PRESENT = text(
    "SELECT EXISTS (SELECT FROM ops.store_mark WHERE client_id = :client_id AND token = :token)"
)


def finish(connection: Connection, client_id: str, token: str) -> None:
    """Makes the announced mark the present one. Doing so twice, after a lost reply to COMMIT, changes nothing.

    Raises:
        DataRefused: a trigger or rule of others has left the row as it was.
    """
    values = {"client_id": client_id, "token": token}
    changed = connection.execute(_FINISH, values).rowcount
    if not changed and not connection.execute(_IS_PRESENT, values).scalar_one():
        raise DataRefused("")


_ADOPT = text(
    """
    INSERT INTO ops.store_mark AS m (client_id, generation, token)
    VALUES (:client_id, coalesce(:generation, 0), :token)
    ON CONFLICT (client_id) DO UPDATE
        SET generation = greatest(m.generation, excluded.generation), token = excluded.token, next_token = NULL
    """
)
_ACCEPT = text(
    """
    INSERT INTO ops.acceptance (client_id, kind, without_row, without_file)
    VALUES (:client_id, :kind, :without_row, :without_file)
    """
)


def accept(
    connection: Connection,
    client_id: str,
    on_disk: Mark | None,
    kind: str,
    without_row: Sequence[str],
    without_file: Sequence[str],
) -> None:
    """Takes the mark on the media root, or its absence, for ours, and records which applications are concerned."""
    values = {
        "client_id": client_id,
        "generation": on_disk.generation if on_disk else None,
        "token": on_disk.token if on_disk else None,
    }
    connection.execute(_ADOPT, values)
    concerned = {"kind": kind, "without_row": list(without_row), "without_file": list(without_file)}
    connection.execute(_ACCEPT, {"client_id": client_id, **concerned})


_FILES_AFTER = text(
    """
    SELECT m.profile_id, m.media_id, m.storage_path, a.confirmed_revision > 0 AS confirmed
    FROM ats.media m JOIN ats.application a USING (client_id, profile_id)
    WHERE client_id = :client_id AND state = 'stored' AND (m.profile_id, m.media_id) > (:profile_id, :media_id)
    ORDER BY m.profile_id, m.media_id
    LIMIT :limit
    """
)


def files_after(
    connection: Connection, client_id: str, after: MediaKey, limit: int
) -> list[tuple[MediaKey, str, bool]]:
    """Selects stored files that follow the key `after`: key, path, and whether the application was ever confirmed."""
    rows = connection.execute(
        _FILES_AFTER,
        {
            "client_id": client_id,
            "profile_id": after.profile_id,
            "media_id": after.media_id,
            "limit": limit,
        },
    )
    return [(MediaKey(row.profile_id, row.media_id), row.storage_path, row.confirmed) for row in rows]


_NOT_STORED = text(
    """
    SELECT listed.profile_id
    FROM unnest(CAST(:profile_ids AS text[]), CAST(:revisions AS int[])) AS listed (profile_id, revision)
    WHERE NOT EXISTS (
        SELECT FROM ats.application a
        WHERE a.client_id = :client_id AND a.profile_id = listed.profile_id AND a.revision >= listed.revision
    )
    """
)


def not_stored(connection: Connection, client_id: str, revisions: Sequence[tuple[str, int]]) -> list[str]:
    """Selects the ids among `revisions` whose application is not stored in that revision or a newer one."""
    profile_ids, numbers = zip(*revisions, strict=True)
    values = {"client_id": client_id, "profile_ids": list(profile_ids), "revisions": list(numbers)}
    return list(connection.execute(_NOT_STORED, values).scalars())
