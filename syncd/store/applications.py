"""Lands profiles: finds out which are new, changed or unchanged, and writes the rows of each.

A batch takes a fixed number of statements, whatever its size. Profiles are sorted by id, so that two transactions lock
them in the same order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, text

from syncd.model import Profile
from syncd.store import children
from syncd.store.application_rows import (
    Landing,
    application_values,
    copy_applications,
    copy_children,
    copy_payloads,
)
from syncd.store.persons import person_keys

# How many payloads of one application are kept: the first, and the newest ones. Some fields change in each response.
KEPT_PAYLOADS = 20


@dataclass(frozen=True, slots=True)
class Landed:
    """How many profiles of a batch were new, changed and unchanged.

    `written` are those that were new or changed.
    `twins` were not landed: their id has another JSON type than that of the application which is stored under it.
    `restless` counts those that have changed so often now that an older payload was dropped for the first time.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    twins: tuple[Profile, ...] = ()
    restless: int = 0
    written: tuple[Profile, ...] = ()


def land(connection: Connection, client_id: str, profiles: Iterable[Profile], region: str) -> Landed:
    """Writes what is new or changed among `profiles`; each wire_id may occur once.

    The digest of the payload decides. A changed profile gets its next revision, and its answers, contact and attachments
    are replaced. A media file that the new version still names keeps its row and state. The row of any other media file
    is deleted, and the file is listed for removal.

    Args:
        region: the country of phone numbers without a country code.
    """
    listed = sorted(profiles, key=attrgetter("profile_id"))
    known = _known(connection, client_id, [profile.profile_id for profile in listed])
    batch, twins = _without_twins(listed, known)
    new = [(profile, 1) for profile in batch if profile.profile_id not in known]
    changed = [
        (profile, known[profile.profile_id].revision + 1)
        for profile in batch
        if profile.profile_id in known and known[profile.profile_id].payload_sha256 != profile.payload_sha256
    ]
    written = tuple(profile for profile, _ in new + changed)
    if written:
        add_job_stubs(connection, client_id, written)
        persons = person_keys(connection, client_id, written, region)
        if new:
            copy_applications(connection, client_id, (profile for profile, _ in new), persons)
        if changed:
            _prepare_replacement(connection, client_id, changed, persons)
        kept = children.kept_media(connection, client_id, [profile.profile_id for profile, _ in changed])
        copy_payloads(connection, client_id, new + changed)
        copy_children(connection, client_id, written, kept)
    often = [(profile.profile_id, revision) for profile, revision in changed if revision > KEPT_PAYLOADS]
    if often:
        connection.execute(
            _DROP_PAYLOADS,
            [
                {"client_id": client_id, "profile_id": profile_id, "before": revision - KEPT_PAYLOADS + 2}
                for profile_id, revision in often
            ],
        )
    restless = sum(revision == KEPT_PAYLOADS + 1 for _, revision in often)
    return Landed(len(new), len(changed), len(batch) - len(written), twins, restless, written)


def _without_twins(
    listed: list[Profile], known: Mapping[str, "_Known"]
) -> tuple[list[Profile], tuple[Profile, ...]]:
    """Separates the profiles whose id has another JSON type in the store, or else in an earlier one of `listed`."""
    wire_ids = {profile_id: stored.wire_id for profile_id, stored in known.items()}
    batch: list[Profile] = []
    twins: list[Profile] = []
    for profile in listed:
        is_twin = profile.is_twin_of(wire_ids.setdefault(profile.profile_id, profile.wire_id))
        (twins if is_twin else batch).append(profile)
    return batch, tuple(twins)


_DROP_PAYLOADS = text(
    """
    DELETE FROM ats.application_raw
    WHERE client_id = :client_id AND profile_id = :profile_id AND revision > 1 AND revision < :before
    """
)


# Here and below, the LATERAL with LIMIT 1 makes Postgres look up each id in the primary key. Without it, and without
# statistics, a plan may read the whole table.
_KNOWN_BYTES = text(
    """
    SELECT a.profile_id, a.raw_sha256
    FROM unnest(CAST(:ids AS text[])) AS listed(id)
    CROSS JOIN LATERAL (
        SELECT profile_id, raw_sha256
        FROM ats.application WHERE client_id = :client_id AND profile_id = listed.id LIMIT 1
    ) AS a
    WHERE a.raw_sha256 IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM ops.quarantine q
        WHERE q.client_id = :client_id AND q.profile_id = a.profile_id AND q.resolved_at IS NULL
        OFFSET 0
    )
    """
)


def known_bytes(connection: Connection, client_id: str, ids: list[str]) -> dict[str, bytes]:
    """Returns those of `ids` that are stored, each with the digest of the bytes that made its newest revision.

    Leaves out an application with a version in quarantine, since only landing its listed version resolves that.
    """
    rows = connection.execute(_KNOWN_BYTES, {"client_id": client_id, "ids": ids})
    return {row.profile_id: bytes(row.raw_sha256) for row in rows}


def compare(connection: Connection, client_id: str, profiles: Sequence[Profile]) -> Landed:
    """Counts what `land` would do, without doing it."""
    known = _known(connection, client_id, [profile.profile_id for profile in profiles])
    new = sum(profile.profile_id not in known for profile in profiles)
    same = sum(
        profile.profile_id in known and known[profile.profile_id].payload_sha256 == profile.payload_sha256
        for profile in profiles
    )
    return Landed(new, len(profiles) - new - same, same)


_KNOWN = text(
    """
    SELECT a.profile_id, a.wire_id, a.payload_sha256, a.revision
    FROM unnest(CAST(:ids AS text[])) AS listed(id)
    CROSS JOIN LATERAL (
        SELECT profile_id, wire_id, payload_sha256, revision
        FROM ats.application WHERE client_id = :client_id AND profile_id = listed.id LIMIT 1
    ) AS a
    """
)


class _Known(NamedTuple):
    """What is stored of an application."""

    payload_sha256: bytes
    revision: int
    wire_id: str


def _known(connection: Connection, client_id: str, ids: list[str]) -> dict[str, _Known]:
    rows = connection.execute(_KNOWN, {"client_id": client_id, "ids": ids})
    return {row.profile_id: _Known(bytes(row.payload_sha256), row.revision, row.wire_id) for row in rows}


_ADD_JOB_STUBS = text(
    """
    INSERT INTO ats.job (client_id, external_reference_id)
    SELECT :client_id, reference FROM unnest(CAST(:references AS text[])) AS reference
    ON CONFLICT DO NOTHING
    """
)


def add_job_stubs(connection: Connection, client_id: str, profiles: Iterable[Profile]) -> None:
    """Adds a job for each reference of these profiles that is not known yet."""
    references = {profile.external_reference_id for profile in profiles if profile.external_reference_id}
    connection.execute(_ADD_JOB_STUBS, {"client_id": client_id, "references": sorted(references)})


_REVISE = text(
    """
    UPDATE ats.application SET
        wire_id = :wire_id,
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
        raw_sha256 = :raw_sha256,
        revision = :revision,
        changed_at = now(),
        last_seen_at = now(),
        confirm_error = NULL,
        confirm_retry_at = NULL
    WHERE client_id = :client_id AND profile_id = :profile_id
    """
)
# A file on disk stays. A file that was gone is due again, since PitchYou names it again.
_DESCRIBE_MEDIA = text(
    """
    UPDATE ats.media SET
        mime_type = :mime_type,
        file_name = :file_name,
        download_uri = :download_uri,
        state = CASE state WHEN 'gone' THEN 'pending' ELSE state END,
        next_attempt_at = CASE state WHEN 'gone' THEN now() ELSE next_attempt_at END,
        missing_since = CASE state WHEN 'gone' THEN NULL ELSE missing_since END
    WHERE client_id = :client_id AND profile_id = :profile_id AND media_id = :media_id
    """
)


def _prepare_replacement(
    connection: Connection, client_id: str, changed: list[Landing], persons: Mapping[str, str | None]
) -> None:
    """Raises the revisions, deletes the children that `copy_children` writes again, and updates the media rows."""
    connection.execute(
        _REVISE,
        [
            application_values(client_id, profile)
            | {"revision": revision, "person_key": persons[profile.profile_id]}
            for profile, revision in changed
        ],
    )
    ids = [profile.profile_id for profile, _ in changed]
    children.delete(connection, client_id, ids)
    named = children.named_media(client_id, [profile for profile, _ in changed])
    if named:
        connection.execute(_DESCRIBE_MEDIA, named)
    children.drop_unnamed_media(connection, client_id, ids, named)
