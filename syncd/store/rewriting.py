"""Replaces the rows of applications that differ from what their stored payloads say now.

Unlike landing, it raises no revision, changes no time and no state of a file, and confirms nothing.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from syncd.model import Profile
from syncd.store import children
from syncd.store.application_rows import copy_children
from syncd.store.applications import add_job_stubs
from syncd.store.differences import Difference

# Another session may have erased or changed an application since it was read.
_LOCK = text(
    """
    SELECT a.profile_id
    FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS integer[])) AS asked(id, revision)
    CROSS JOIN LATERAL (
        SELECT profile_id FROM ats.application
        WHERE client_id = :client_id AND profile_id = asked.id AND revision = asked.revision AND erased_at IS NULL
        LIMIT 1 FOR NO KEY UPDATE
    ) AS a
    """
)
_UPDATE = text(
    """
    UPDATE ats.application SET
        external_reference_id = :external_reference_id,
        job_template_key = :job_template_key,
        utm_source = :utm_source,
        utm_medium = :utm_medium,
        utm_campaign = :utm_campaign,
        utm_content = :utm_content,
        applied_at = :applied_at,
        applied_at_raw = :applied_at_raw,
        language = :language,
        person_key = :person_key,
        payload_sha256 = :payload_sha256,
        raw_sha256 = :raw_sha256
    WHERE client_id = :client_id AND profile_id = :profile_id
    """
)
# A file that was gone stays gone, because PitchYou does not name it once more by this.
_DESCRIBE_MEDIA = text(
    """
    UPDATE ats.media SET mime_type = :mime_type, file_name = :file_name, download_uri = :download_uri
    WHERE client_id = :client_id AND profile_id = :profile_id AND media_id = :media_id AND state <> 'erased'
    AND (mime_type, file_name, download_uri) IS DISTINCT FROM (:mime_type, :file_name, :download_uri)
    """
)


def rewrite(connection: Connection, client_id: str, found: Sequence[Difference]) -> list[Difference]:
    """Replaces the rows that differ, and makes the rows of the reports due. Returns what it has replaced."""
    if not found:
        return []
    asked = {
        "client_id": client_id,
        "ids": [each.profile.profile_id for each in found],
        "revisions": [each.revision for each in found],
    }
    there = set(connection.execute(_LOCK, asked).scalars())
    listed = [each for each in found if each.profile.profile_id in there]
    if facts := [each for each in listed if each.facts]:
        add_job_stubs(connection, client_id, [each.profile for each in facts])
        connection.execute(_UPDATE, [dict(each.values) for each in facts])
    if below := [each.profile for each in listed if each.below]:
        _replace_children(connection, client_id, below)
    if listed:
        # Answers and contacts have no trigger: when landing replaces them, the application changes as well.
        _make_due(connection, client_id, sorted(there))
    return listed


# As the triggers do that watch `ats.application` and `ats.media`.
_MAKE_DUE = text(
    """
    INSERT INTO report_data.due (client_id, profile_id)
    SELECT :client_id, id FROM unnest(CAST(:ids AS text[])) AS asked(id) ORDER BY id
    ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id
    """
)


def _make_due(connection: Connection, client_id: str, ids: Sequence[str]) -> None:
    connection.execute(_MAKE_DUE, {"client_id": client_id, "ids": list(ids)})


def _replace_children(connection: Connection, client_id: str, profiles: list[Profile]) -> None:
    ids = [profile.profile_id for profile in profiles]
    children.delete(connection, client_id, ids)
    named = children.named_media(client_id, profiles)
    if named:
        connection.execute(_DESCRIBE_MEDIA, named)
    children.drop_unnamed_media(connection, client_id, ids, named)
    copy_children(connection, client_id, profiles, children.kept_media(connection, client_id, ids))
