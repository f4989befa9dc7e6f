"""The media rows: which files are to be fetched, what became of each, and which are to be removed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import unquote

from sqlalchemy import Connection, text

from syncd.model import MediaKey, MediaState, StoredFile
from syncd.store.retries import is_due

# Many files in one statement: their keys as two arrays, and the rows `m` that are theirs.
_KEYS = "CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])"
_THEIRS = "m.client_id = :client_id AND m.profile_id = f.profile_id AND m.media_id = f.media_id"


@dataclass(frozen=True, slots=True)
class Due:
    """A file whose download is due now. `before` is what was stored of it, if anything was.

    `missing_for` are the seconds since PitchYou first answered that it does not have the file, None if it never did.
    """

    key: MediaKey
    attempts: int
    missing_for: float | None
    before: StoredFile | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is on disk."""

    key: MediaKey
    file: StoredFile


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A file that is not on disk, and what that means: PENDING (again in `retry_in` seconds), GONE or REJECTED.

    `error` is a short code such as `http_404`; `missing` says whether PitchYou answered that it has no such file.
    """

    key: MediaKey
    state: MediaState
    error: str
    missing: bool = False
    retry_in: float = 0.0
    size_limit: int | None = None


def due(connection: Connection, client_id: str, limit: int, max_bytes: int) -> list[Due]:
    """The files to download now, longest due first; also those that were too large for a limit below `max_bytes`."""
    rows = connection.execute(
        text(
            "SELECT profile_id, media_id, attempts, storage_path, size_bytes, sha256, mime_sniffed, "
            "CAST(extract(epoch FROM now() - missing_since) AS double precision) AS missing_for FROM ats.media "
            "WHERE client_id = :client_id AND state IN ('pending', 'rejected') "
            f"AND {is_due('next_attempt_at')} "
            "AND (state = 'pending' OR size_bytes < :max_bytes) "
            "ORDER BY next_attempt_at, profile_id, media_id LIMIT :limit"
        ),
        {"client_id": client_id, "limit": limit, "max_bytes": max_bytes},
    )
    return [
        Due(
            MediaKey(row.profile_id, row.media_id),
            row.attempts,
            row.missing_for,
            StoredFile(row.storage_path, row.size_bytes or 0, bytes(row.sha256), row.mime_sniffed)
            if row.storage_path
            else None,
        )
        for row in rows
    ]


def record(connection: Connection, client_id: str, results: Sequence[Fetched | NotFetched]) -> None:
    """Write down what became of a round of downloads, in one statement for those that came and one for the others."""
    stored = [result for result in results if isinstance(result, Fetched)]
    failed = [result for result in results if isinstance(result, NotFetched)]
    if stored:
        connection.execute(
            text(
                "UPDATE ats.media AS m SET state = 'stored', size_bytes = f.size_bytes, sha256 = f.sha256, "
                "storage_path = f.storage_path, mime_sniffed = f.mime_sniffed, stored_at = now(), "
                "attempts = attempts + 1, last_error = NULL, missing_since = NULL "
                "FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS f(profile_id text, media_id text, size_bytes bigint, "
                f"sha256 bytea, storage_path text, mime_sniffed text) WHERE {_THEIRS}"
            ),
            {"client_id": client_id, "files": json.dumps([_stored(result) for result in stored])},
        )
    if failed:
        connection.execute(
            text(
                "UPDATE ats.media AS m SET state = f.state, attempts = attempts + 1, last_error = f.error, "
                "next_attempt_at = now() + make_interval(secs => f.retry_in), size_bytes = f.size_limit, "
                "missing_since = CASE WHEN f.missing THEN least(missing_since, now()) ELSE missing_since END "
                "FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS f(profile_id text, media_id text, state text, "
                f"error text, retry_in float8, size_limit bigint, missing boolean) WHERE {_THEIRS}"
            ),
            {"client_id": client_id, "files": json.dumps([_not_fetched(result) for result in failed])},
        )


def _stored(result: Fetched) -> dict[str, object]:
    return asdict(result.key) | asdict(result.file) | {"sha256": "\\x" + result.file.sha256.hex()}


def _not_fetched(result: NotFetched) -> dict[str, object]:
    facts = asdict(result)
    key: dict[str, object] = facts.pop("key")
    return facts | key


def reopen(connection: Connection, client_id: str, key: MediaKey) -> None:
    """Put a stored file on the download list again, because what is on disk is not what was stored."""
    connection.execute(
        text(
            "UPDATE ats.media SET state = 'pending', next_attempt_at = now(), missing_since = NULL "
            "WHERE client_id = :client_id AND profile_id = :profile_id AND media_id = :media_id AND state = 'stored'"
        ),
        _identity(client_id, key),
    )


def has_stored(connection: Connection, client_id: str) -> bool:
    """Whether any file of the client is in state stored."""
    return bool(
        connection.execute(
            text("SELECT EXISTS (SELECT FROM ats.media WHERE client_id = :client_id AND state = 'stored')"),
            {"client_id": client_id},
        ).scalar()
    )


def is_stored(connection: Connection, client_id: str, key: MediaKey) -> bool:
    """Whether the file is in state stored."""
    return bool(
        connection.execute(
            text(
                "SELECT state = 'stored' FROM ats.media WHERE client_id = :client_id "
                "AND profile_id = :profile_id AND media_id = :media_id"
            ),
            _identity(client_id, key),
        ).scalar()
    )


def removals(connection: Connection, client_id: str, limit: int) -> list[tuple[MediaKey, bool]]:
    """Files to remove, each with whether a later revision names it again (then it must stay)."""
    rows = connection.execute(
        text(
            "SELECT profile_id, media_id, EXISTS (SELECT FROM ats.media m WHERE m.client_id = r.client_id "
            "AND m.profile_id = r.profile_id AND m.media_id = r.media_id) AS wanted "
            "FROM ops.media_removal r WHERE client_id = :client_id ORDER BY profile_id, media_id LIMIT :limit"
        ),
        {"client_id": client_id, "limit": limit},
    )
    return [(MediaKey(row.profile_id, row.media_id), row.wanted) for row in rows]


def forget_removals(connection: Connection, client_id: str, keys: Sequence[MediaKey]) -> None:
    """Strike files off the list of those to remove."""
    connection.execute(
        text(
            f"DELETE FROM ops.media_removal AS m USING unnest({_KEYS}) AS f(profile_id, media_id) WHERE {_THEIRS}"
        ),
        _identities(client_id, keys),
    )


def stored_after(
    connection: Connection, client_id: str, after: MediaKey, limit: int
) -> list[tuple[MediaKey, StoredFile]]:
    """Stored files behind the key `after` in the order of their keys."""
    rows = connection.execute(
        text(
            "SELECT profile_id, media_id, storage_path, size_bytes, sha256, mime_sniffed FROM ats.media "
            "WHERE client_id = :client_id AND state = 'stored' "
            "AND (profile_id, media_id) > (:profile_id, :media_id) ORDER BY profile_id, media_id LIMIT :limit"
        ),
        {**_identity(client_id, after), "limit": limit},
    )
    return [
        (
            MediaKey(row.profile_id, row.media_id),
            StoredFile(row.storage_path, row.size_bytes, bytes(row.sha256), row.mime_sniffed),
        )
        for row in rows
    ]


def note_verified(connection: Connection, client_id: str, keys: Sequence[MediaKey]) -> None:
    """Record that files were read and found whole."""
    connection.execute(
        text(
            f"UPDATE ats.media AS m SET verified_at = now() FROM unnest({_KEYS}) AS f(profile_id, media_id) "
            f"WHERE {_THEIRS}"
        ),
        _identities(client_id, keys),
    )


def rows_of(
    connection: Connection, client_id: str, paths: Sequence[str]
) -> list[tuple[MediaKey, str | None]]:
    """The rows to which files at `paths` may belong, each with the path at which its file was stored, if it ever was."""
    keys = [MediaKey(*map(unquote, path.split("/")[1:])) for path in paths if path.count("/") == 2]
    of_long_ids = [path for path in paths if "/%sha256-" in path]  # their ids cannot be read off the path
    rows = connection.execute(
        text(
            "SELECT m.profile_id, m.media_id, storage_path FROM ats.media m "
            f"JOIN unnest({_KEYS}) AS f(profile_id, media_id) ON {_THEIRS} "
            "UNION SELECT profile_id, media_id, storage_path FROM ats.media WHERE client_id = :client_id "
            "AND cardinality(CAST(:of_long_ids AS text[])) > 0 AND (storage_path = ANY(:of_long_ids) "
            "OR storage_path IS NULL AND greatest(octet_length(profile_id), octet_length(media_id)) > 66)"
        ),
        {**_identities(client_id, keys), "of_long_ids": of_long_ids},
    )
    return [(MediaKey(row.profile_id, row.media_id), row.storage_path) for row in rows]


def _identity(client_id: str, key: MediaKey) -> dict[str, object]:
    return {"client_id": client_id, "profile_id": key.profile_id, "media_id": key.media_id}


def _identities(client_id: str, keys: Sequence[MediaKey]) -> dict[str, object]:
    return {
        "client_id": client_id,
        "profile_ids": [key.profile_id for key in keys],
        "media_ids": [key.media_id for key in keys],
    }
