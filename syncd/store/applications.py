"""Landing profiles: which are new, changed or known, and the rows of each.

A batch takes a fixed number of statements, whatever its size. Profiles are sorted by id, so that two
transactions meet in one order.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, text

from syncd.model import Profile
from syncd.store import tables
from syncd.store.copying import copy_rows


@dataclass(frozen=True, slots=True)
class Landed:
    """How many profiles of a batch were new, changed and unchanged."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


# One look into the primary key for each id, also while the table has no statistics and a plan by them would read it all.
_LISTED = (
    "unnest(CAST(:ids AS text[])) AS listed(id), LATERAL (SELECT profile_id, payload_sha256, raw_sha256, revision "
    "FROM ats.application WHERE client_id = :client_id AND profile_id = listed.id LIMIT 1) AS a"
)


def land(connection: Connection, client_id: str, profiles: Iterable[Profile]) -> Landed:
    """Write what is new or changed among `profiles`; each profile_id may occur once.

    The digest of the payload decides. A changed profile gets its next revision, and its answers, contact and
    attachments are replaced. A media file that is still named keeps its row and its state; one that is not named
    any more loses its row and is put on the list of files to remove.
    """
    batch = sorted(profiles, key=attrgetter("profile_id"))
    known = _known(connection, client_id, [profile.profile_id for profile in batch])
    new = [(profile, 1) for profile in batch if profile.profile_id not in known]
    changed = [
        (profile, known[profile.profile_id][1] + 1)
        for profile in batch
        if profile.profile_id in known and known[profile.profile_id][0] != profile.payload_sha256
    ]
    if new or changed:
        _add_job_stubs(connection, client_id, [profile for profile, _ in new + changed])
    if new:
        copy_rows(connection, tables.application, _APPLICATION, (_application(client_id, p) for p, _ in new))
    if changed:
        _prepare_replacement(connection, client_id, changed)
    if new or changed:
        _copy_children(connection, client_id, new + changed)
    return Landed(len(new), len(changed), len(batch) - len(new) - len(changed))


def known_bytes(connection: Connection, client_id: str, ids: list[str]) -> dict[str, bytes]:
    """Those of `ids` that are stored, each with the digest of the bytes that made its newest revision.

    An application with a version in quarantine is left out: that is resolved by landing what is listed now.
    """
    rows = connection.execute(
        text(
            f"SELECT profile_id, raw_sha256 FROM {_LISTED} WHERE raw_sha256 IS NOT NULL "
            "AND NOT EXISTS (SELECT FROM ops.quarantine q WHERE q.client_id = :client_id "
            "AND q.profile_id = a.profile_id AND q.resolved_at IS NULL)"
        ),
        {"client_id": client_id, "ids": ids},
    )
    return {row.profile_id: bytes(row.raw_sha256) for row in rows}


def compare(connection: Connection, client_id: str, profiles: Sequence[Profile]) -> Landed:
    """What `land` would do, without doing it."""
    known = _known(connection, client_id, [profile.profile_id for profile in profiles])
    new = sum(profile.profile_id not in known for profile in profiles)
    same = sum(known.get(profile.profile_id, (b"", 0))[0] == profile.payload_sha256 for profile in profiles)
    return Landed(new, len(profiles) - new - same, same)


def _known(connection: Connection, client_id: str, ids: list[str]) -> dict[str, tuple[bytes, int]]:
    rows = connection.execute(
        text(f"SELECT profile_id, payload_sha256, revision FROM {_LISTED}"),
        {"client_id": client_id, "ids": ids},
    )
    return {row.profile_id: (bytes(row.payload_sha256), row.revision) for row in rows}


def _add_job_stubs(connection: Connection, client_id: str, profiles: Sequence[Profile]) -> None:
    references = {profile.external_reference_id for profile in profiles if profile.external_reference_id}
    connection.execute(
        text(
            "INSERT INTO ats.job (client_id, external_reference_id) "
            "SELECT :client_id, reference FROM unnest(CAST(:references AS text[])) AS reference "
            "ON CONFLICT DO NOTHING"
        ),
        {"client_id": client_id, "references": sorted(references)},
    )


_FACTS = (
    "wire_id",
    "external_reference_id",
    "job_template_key",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "applied_at",
    "applied_at_raw",
    "language",
    "payload_sha256",
    "raw_sha256",
)
_APPLICATION = ("client_id", "profile_id", *_FACTS)
_facts = attrgetter(*_FACTS)


def _application(client_id: str, profile: Profile) -> tuple[Any, ...]:
    return (client_id, profile.profile_id, *_facts(profile))


# What is on disk stays; a file that was gone is looked for again, since PitchYou names it again.
_DESCRIBE_ANEW = text(
    "UPDATE ats.media SET mime_type = :mime_type, file_name = :file_name, download_uri = :download_uri, "
    "state = CASE state WHEN 'gone' THEN 'pending' ELSE state END, "
    "next_attempt_at = CASE state WHEN 'gone' THEN now() ELSE next_attempt_at END, "
    "missing_since = CASE state WHEN 'gone' THEN NULL ELSE missing_since END "
    "WHERE client_id = :client_id AND profile_id = :profile_id AND media_id = :media_id"
)


def _prepare_replacement(connection: Connection, client_id: str, changed: list[tuple[Profile, int]]) -> None:
    """Raise the revisions and remove the children that `_copy_children` writes anew."""
    assignments = ", ".join(f"{name} = :{name}" for name in _FACTS)
    connection.execute(
        text(
            f"UPDATE ats.application SET {assignments}, revision = :revision, changed_at = now(), "
            "last_seen_at = now(), confirm_error = NULL, confirm_retry_at = NULL "
            "WHERE client_id = :client_id AND profile_id = :profile_id"
        ),
        [
            dict(zip(_APPLICATION, _application(client_id, profile), strict=True)) | {"revision": revision}
            for profile, revision in changed
        ],
    )
    ids = [profile.profile_id for profile, _ in changed]
    for name in ("answer", "attachment", "application_contact"):
        connection.execute(
            text(f"DELETE FROM ats.{name} WHERE client_id = :client_id AND profile_id = ANY(:ids)"),
            {"client_id": client_id, "ids": ids},
        )
    named = [(profile.profile_id, file.media_id) for profile, _ in changed for file in profile.media]
    keys = {
        "client_id": client_id,
        "ids": ids,
        "profile_ids": [profile_id for profile_id, _ in named],
        "media_ids": [media_id for _, media_id in named],
    }
    if named:
        connection.execute(
            _DESCRIBE_ANEW,
            [
                {"client_id": client_id, "profile_id": profile.profile_id, **file._asdict()}
                for profile, _ in changed
                for file in profile.media
            ],
        )
    connection.execute(
        text(
            "WITH dropped AS (DELETE FROM ats.media m WHERE client_id = :client_id AND profile_id = ANY(:ids) "
            "AND NOT EXISTS (SELECT FROM unnest(CAST(:profile_ids AS text[]), CAST(:media_ids AS text[])) "
            "AS named(profile_id, media_id) "
            "WHERE named.profile_id = m.profile_id AND named.media_id = m.media_id) "
            "RETURNING client_id, profile_id, media_id) "
            "INSERT INTO ops.media_removal (client_id, profile_id, media_id) SELECT * FROM dropped "
            "ON CONFLICT DO NOTHING"
        ),
        keys,
    )


def _copy_children(connection: Connection, client_id: str, landed: list[tuple[Profile, int]]) -> None:
    def rows(of: Any) -> Iterator[tuple[Any, ...]]:
        for profile, revision in landed:
            for row in of(profile, revision):
                yield (client_id, profile.profile_id, *row)

    key = ("client_id", "profile_id")
    copy_rows(connection, tables.application_raw, (*key, "revision", "payload"), rows(_raw))
    copy_rows(
        connection,
        tables.application_contact,
        (*key, "first_name", "last_name", "email", "phone", "extra"),
        rows(_contact),
    )
    copy_rows(
        connection,
        tables.answer,
        (*key, "step_no", "question", "answer", "answer_json", "extra"),
        rows(_answers),
    )
    kept = _kept_media(
        connection, client_id, [profile.profile_id for profile, revision in landed if revision > 1]
    )
    copy_rows(
        connection,
        tables.media,
        (*key, "media_id", "mime_type", "file_name", "download_uri"),
        (row for row in rows(_media) if (row[1], row[2]) not in kept),
    )
    copy_rows(
        connection, tables.attachment, (*key, "role", "step_no", "ordinal", "media_id"), rows(_attachments)
    )


def _kept_media(connection: Connection, client_id: str, ids: list[str]) -> set[tuple[str, str]]:
    if not ids:
        return set()
    rows = connection.execute(
        text(
            "SELECT profile_id, media_id FROM ats.media WHERE client_id = :client_id AND profile_id = ANY(:ids)"
        ),
        {"client_id": client_id, "ids": ids},
    )
    return {(row.profile_id, row.media_id) for row in rows}


def _raw(profile: Profile, revision: int) -> Iterable[tuple[Any, ...]]:
    return [(revision, profile.payload)]


def _contact(profile: Profile, revision: int) -> Iterable[tuple[Any, ...]]:
    contact = profile.contact
    return [(contact.first_name, contact.last_name, contact.email, contact.phone, contact.extra)]


def _answers(profile: Profile, revision: int) -> Iterable[tuple[Any, ...]]:
    return ((a.step_no, a.question, a.answer, a.answer_json, a.extra) for a in profile.answers)


def _media(profile: Profile, revision: int) -> Iterable[tuple[Any, ...]]:
    return ((m.media_id, m.mime_type, m.file_name, m.download_uri) for m in profile.media)


def _attachments(profile: Profile, revision: int) -> Iterable[tuple[Any, ...]]:
    return ((a.role.value, a.step_no, a.ordinal, a.media_id) for a in profile.attachments)
