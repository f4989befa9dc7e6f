"""The media rows: which files to download, what became of each, and which files to remove."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

from syncd.errors import DataRefused
from syncd.model import MediaKey, MediaState, StoredFile


@dataclass(frozen=True, slots=True)
class Due:
    """A file to download now.

    Attributes:
        missing_for: seconds since PitchYou first answered that it does not have the file; None if it never did.
        before: what was stored of the file earlier, if anything was.
        mime_type, file_name: what PitchYou says of the file.
    """

    key: MediaKey
    attempts: int
    missing_for: float | None
    before: StoredFile | None
    mime_type: str | None
    file_name: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is on disk."""

    key: MediaKey
    file: StoredFile


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A file that is not on disk, and what that means: PENDING (retry in `retry_in` seconds), GONE or REJECTED.

    `error` is a short code such as `http_404`; `missing` says whether PitchYou answered that it does not have the file.
    """

    key: MediaKey
    state: MediaState
    error: str
    missing: bool = False
    retry_in: float = 0.0
    size_limit: int | None = None


# No retry is put off for longer than an hour (`syncd.backoff.LONGEST`). So if one is more than two hours ahead, the
# clock was set back meanwhile, and the retry is due now.
_DUE = text(
    """
    SELECT profile_id, media_id, attempts, storage_path, size_bytes, sha256, mime_sniffed, mime_type, file_name,
           CAST(extract(epoch FROM now() - missing_since) AS double precision) AS missing_for
    FROM ats.media
    WHERE client_id = :client_id AND state IN ('pending', 'rejected')
    AND (next_attempt_at <= now() OR next_attempt_at > now() + interval '2 hours')
    AND (state = 'pending' OR size_bytes < :max_bytes)
    ORDER BY next_attempt_at, profile_id, media_id
    LIMIT :limit
    """
)


def due(connection: Connection, client_id: str, limit: int, max_bytes: int) -> list[Due]:
    """Selects the files to download now, longest due first; also files that were too large for a limit below `max_bytes`."""
    rows = connection.execute(_DUE, {"client_id": client_id, "limit": limit, "max_bytes": max_bytes})
    return [
        Due(
            MediaKey(row.profile_id, row.media_id),
            row.attempts,
            row.missing_for,
            StoredFile(row.storage_path, row.size_bytes or 0, bytes(row.sha256), row.mime_sniffed)
            if row.storage_path
            else None,
            row.mime_type,
            row.file_name,
        )
        for row in rows
    ]


_RECORD_STORED = text(
    """
    UPDATE ats.media AS m SET
        state = 'stored',
        size_bytes = f.size_bytes,
        sha256 = f.sha256,
        storage_path = f.storage_path,
        mime_sniffed = f.mime_sniffed,
        stored_at = now(),
        attempts = attempts + 1,
        last_error = NULL,
        missing_since = NULL
    FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS f(
        profile_id text, media_id text, size_bytes bigint, sha256 bytea, storage_path text, mime_sniffed text
    )
    WHERE m.client_id = :client_id AND m.profile_id = f.profile_id AND m.media_id = f.media_id
    """
)
_RECORD_NOT_FETCHED = text(
    """
    UPDATE ats.media AS m SET
        state = f.state,
        attempts = attempts + 1,
        last_error = f.error,
        next_attempt_at = now() + make_interval(secs => f.retry_in),
        size_bytes = f.size_limit,
        missing_since = CASE WHEN f.missing THEN least(missing_since, now()) ELSE missing_since END
    FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS f(
        profile_id text, media_id text, state text, error text, retry_in float8, size_limit bigint, missing boolean
    )
    WHERE m.client_id = :client_id AND m.profile_id = f.profile_id AND m.media_id = f.media_id
    """
)
# Somebody may have erased some of the rows meanwhile.
_THERE = text(
    """
    SELECT count(*) FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS f(profile_id text, media_id text)
    CROSS JOIN LATERAL (
        SELECT FROM ats.media
        WHERE client_id = :client_id AND profile_id = f.profile_id AND media_id = f.media_id LIMIT 1
    ) AS m
    """
)


def record(connection: Connection, client_id: str, results: Sequence[Fetched | NotFetched]) -> None:
    """Records what became of downloads: one statement for the files that are on disk, and one for the others.

    Raises:
        DataRefused: a trigger or rule of others has left a row as it was. The file would be due again at once, for ever.
    """
    stored = [_stored(result) for result in results if isinstance(result, Fetched)]
    failed = [_not_fetched(result) for result in results if isinstance(result, NotFetched)]
    for statement, files in ((_RECORD_STORED, stored), (_RECORD_NOT_FETCHED, failed)):
        if not files:
            continue
        values = {"client_id": client_id, "files": json.dumps(files)}
        written = connection.execute(statement, values).rowcount
        if written < len(files) and written < connection.execute(_THERE, values).scalar_one():
            raise DataRefused("")


def _stored(result: Fetched) -> dict[str, object]:
    return asdict(result.key) | asdict(result.file) | {"sha256": "\\x" + result.file.sha256.hex()}


def _not_fetched(result: NotFetched) -> dict[str, object]:
    facts = asdict(result)
    key: dict[str, object] = facts.pop("key")
    return facts | key


_REOPEN = text(
    """
    UPDATE ats.media SET state = 'pending', next_attempt_at = now(), missing_since = NULL
    WHERE client_id = :client_id AND profile_id = :profile_id AND media_id = :media_id AND state = 'stored'
    """
)


def reopen(connection: Connection, client_id: str, key: MediaKey) -> None:
    """Makes a stored file due again, because the file on disk differs from what was stored."""
    connection.execute(_REOPEN, {"client_id": client_id} | asdict(key))


_HAS_STORED = text("SELECT EXISTS (SELECT FROM ats.media WHERE client_id = :client_id AND state = 'stored')")


def has_stored(connection: Connection, client_id: str) -> bool:
    """Whether any file of the client is stored."""
    found: bool = connection.execute(_HAS_STORED, {"client_id": client_id}).scalar_one()
    return found


_IS_STORED = text(
    """
    SELECT state = 'stored' FROM ats.media
    WHERE client_id = :client_id AND profile_id = :profile_id AND media_id = :media_id
    """
)


def is_stored(connection: Connection, client_id: str, key: MediaKey) -> bool:
    """Whether the file is stored."""
    return bool(connection.execute(_IS_STORED, {"client_id": client_id} | asdict(key)).scalar())
