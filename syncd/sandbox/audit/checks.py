"""Checks one stored profile: compares rows and files with what the sandbox served. Does not query the database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content.population import Entry, Population
from syncd.sandbox.content.profiles import Profile, attachments, without_addresses
from syncd.sandbox.ledger import Ledger, MediaRecord


@dataclass(frozen=True)
class MediaRow:
    """A row of ats.media."""

    state: str
    size_bytes: int | None
    sha256: bytes | None
    storage_path: str | None
    mime_type: str | None
    file_name: str | None


# The columns of ats.application that hold the values of the apply link unchanged.
PASSED_THROUGH = {
    "external_reference_id": "externalReferenceId",
    "job_template_key": "jobTemplateKey",
    "utm_source": "utmSource",
    "utm_medium": "utmMedium",
    "utm_campaign": "utmCampaign",
    "utm_content": "utmContent",
}


# Bytes of an externalReferenceId that the store keeps in its column.
_MOST_OF_A_REFERENCE = 1024


def kept_of(reference: str) -> str:
    """Returns what the store keeps of a reference in its column."""
    return reference.encode()[:_MOST_OF_A_REFERENCE].decode(errors="ignore")


CONTACT = {"first_name": "firstName", "last_name": "lastName", "email": "email", "phone": "phone"}


@dataclass
class Stored:
    """Everything that the store holds for one profile id."""

    revisions: list[tuple[int, int]] = field(
        default_factory=list
    )  # (revision, confirmed_revision) of each row
    payload: bytes | None = None
    passed_through: dict[str, str | None] = field(default_factory=dict)
    contact: dict[str, Any] | None = None  # the columns of `CONTACT`, and `extra`
    answers: dict[int, list[tuple[str | None, str | None, Any]]] = field(default_factory=dict)
    media: dict[str, list[MediaRow]] = field(default_factory=dict)
    attachments: list[tuple[str, int | None, int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """What a check may look at, apart from the rows."""

    config: SandboxConfig
    population: Population
    ledger: Ledger

    @property
    def client(self) -> str:
        """The client whose store is checked."""
        return self.population.tenant.client_id


def versions_listed(entry: Entry) -> Iterator[int]:
    """Returns the versions of an entry that any answer contained, newest first."""
    return (version for version in range(entry.version, -1, -1) if entry.listed >> version & 1)


def check_id(scene: Scene, profile_id: Any) -> str | None:
    """Returns the finding about an id in a confirm, or None. The list must have named the id, with the same JSON type."""
    if any(entry.listed for entry in scene.population.find(profile_id)):
        return None
    for entry in scene.population.find_text(str(profile_id)):
        if entry.listed:
            listed, sent = type(entry.profile_id).__name__, type(profile_id).__name__
            return f"{profile_id!r}: confirmed as {sent}, but it was listed as {listed}"
    return f"{profile_id!r}: confirmed, but it was never listed"


def check_profile(scene: Scene, profile_id: Any, stored: Stored, *, newest: bool = False) -> list[str]:
    """Returns all findings about one profile in the store. With `newest`, an older version is a finding too."""
    name = repr(profile_id)
    if len(stored.revisions) != 1:
        return [f"{name}: {len(stored.revisions)} committed rows in ats.application, not 1"]
    if stored.payload is None:
        return [f"{name}: ats.application_raw has no payload of revision {stored.revisions[0][0]}"]
    entry, version = _match(scene, profile_id, stored.payload)
    if entry is None:
        return [f"{name}: the stored payload was never listed for this profile"]
    findings = []
    last = scene.population.find(profile_id)[-1]
    if newest and (entry is not last or version < last.taken):
        findings.append(f"{name}: version {version} is stored, but version {last.taken} was served")
    profile = scene.population.at(entry, version) or {}
    findings += _check_passed_through(name, profile, stored)
    findings += _check_contact(name, profile, stored)
    findings += check_answers(name, profile, stored, texts=entry.raw is None or version > 0)
    findings += _check_attachments(name, profile, stored)
    named: dict[str, list[Profile]] = {}
    for _, _, held in attachments(profile):
        named.setdefault(str(held["mediaId"]), []).append(held)
    for media_id, entries in sorted(named.items()):
        rows = stored.media.get(media_id, [])
        findings += _check_media(scene, str(profile_id), media_id, rows)
        if rows and not any(_described(rows[0], held) for held in entries):
            findings.append(f"{name}: media {media_id!r} has another mimeType or fileName than was served")
    if newest:
        surplus = sorted(set(stored.media) - set(named))
        findings += [
            f"{name}: media {media!r} is stored, but this version does not name it" for media in surplus
        ]
    return findings


def _match(scene: Scene, profile_id: Any, payload: bytes) -> tuple[Entry | None, int]:
    try:
        parsed = without_addresses(json.loads(payload))
    except (ValueError, RecursionError):
        parsed = None
    for entry in reversed(scene.population.find(profile_id)):
        for version in versions_listed(entry):
            if entry.raw is not None and version == 0:
                if entry.raw.strip() == payload.strip():
                    return entry, 0
            elif parsed is not None and parsed == without_addresses(scene.population.at(entry, version)):
                return entry, version
    return None, 0


def _check_passed_through(name: str, profile: Profile, stored: Stored) -> list[str]:
    reference = clean(profile.get("externalReferenceId"))
    cut = isinstance(reference, str) and kept_of(reference) != reference
    findings = []
    for column, key in PASSED_THROUGH.items():
        served = profile.get(key)
        if cut and key == "externalReferenceId":
            served = kept_of(reference)
            if stored.contact is None or (stored.contact["extra"] or {}).get(key) != reference:
                findings.append(f"{name}: a long {key} was cut, and `extra` does not hold the whole one")
        if not _is_text(stored.passed_through.get(column), served):
            findings.append(f"{name}: {column} is not the {key} that was served")
    return findings


def _check_contact(name: str, profile: Profile, stored: Stored) -> list[str]:
    """Checks that the contact is in its columns or, if the client maps another key to a column, in `extra`."""
    if stored.contact is None:
        return [f"{name}: no row in ats.application_contact"]
    extra = stored.contact["extra"] or {}
    return [
        f"{name}: {column} is not the {key} that was served"
        for column, key in CONTACT.items()
        if key in profile
        and not _is_text(stored.contact[column], profile[key])
        and extra.get(key) != clean(profile[key])
    ]


def _described(row: MediaRow, entry: Profile) -> bool:
    return _is_text(row.mime_type, entry.get("mimeType")) and _is_text(row.file_name, entry.get("fileName"))


def _is_text(stored: str | None, served: Any) -> bool:
    """Says whether a text column holds this value. NULL is fine for an empty text; other JSON types are not checked."""
    return not isinstance(served, str | None) or (stored or None) == (clean(served) or None)


def check_answers(name: str, profile: Profile, stored: Stored, *, texts: bool) -> list[str]:
    """Checks that every step has exactly one answer row and, with `texts`, that question and answer are those served."""
    steps = profile.get("steps")
    steps = steps if isinstance(steps, list) else []
    count = sum(map(len, stored.answers.values()))
    if count != len(steps):
        return [f"{name}: {count} rows in ats.answer for {len(steps)} steps"]
    findings = []
    for number, step in enumerate(steps):
        rows = stored.answers.get(number, [])
        if len(rows) != 1:
            findings.append(f"{name}: {len(rows)} rows in ats.answer for step {number}, not 1")
            continue
        question, text, value = rows[0]
        if texts and question != clean(step.get("question")):
            findings.append(f"{name}: the question of step {number} is not the one served")
        served = clean(step.get("answer"))
        if texts and not (_same(value, served) and (text == served or not isinstance(served, str))):
            findings.append(f"{name}: the answer of step {number} is not the one served")
    return findings


def _same(stored: Any, served: Any) -> bool:
    """Compares JSON values; unlike `==` it distinguishes true from 1."""
    if isinstance(stored, list) and isinstance(served, list):
        return len(stored) == len(served) and all(map(_same, stored, served))
    if isinstance(stored, dict) and isinstance(served, dict):
        return stored.keys() == served.keys() and all(_same(stored[key], served[key]) for key in served)
    return bool(stored == served) and isinstance(stored, bool) == isinstance(served, bool)


def clean(value: Any) -> Any:
    """Returns the value as Postgres can store it: with U+FFFD for NUL and for lone surrogates."""
    if isinstance(value, str):
        return "".join("�" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list):
        return [clean(held) for held in value]
    if isinstance(value, dict):
        return {clean(key): clean(held) for key, held in value.items()}
    return value


def _check_attachments(name: str, profile: Profile, stored: Stored) -> list[str]:
    served: dict[tuple[str, int | None], list[str]] = {}
    for role, step_no, entry in attachments(profile):
        served.setdefault((role, step_no), []).append(str(entry["mediaId"]))
    found: dict[tuple[str, int | None], list[str]] = {}
    for role, step_no, _, media_id in sorted(stored.attachments, key=lambda row: row[2]):
        found.setdefault((role, step_no if role == "step" else None), []).append(media_id)
    return [
        f"{name}: the attachments of {role}{'' if step_no is None else f' {step_no}'} are not those served"
        for role, step_no in sorted(served.keys() | found.keys(), key=str)
        if served.get((role, step_no)) != found.get((role, step_no))
    ]


def _check_media(scene: Scene, profile_id: str, media_id: str, rows: list[MediaRow]) -> list[str]:
    name = f"{profile_id!r}: media {media_id!r}"
    if len(rows) != 1:
        return [f"{name} has {len(rows)} rows in ats.media, not 1"]
    row = rows[0]
    record = scene.ledger.media.get((scene.client, profile_id, media_id), MediaRecord())
    if row.state == "gone":
        if (scene.client, profile_id, media_id) in scene.ledger.kept:
            return [f"{name} is marked gone, but it was stored when it was confirmed"]
        gone = record.last_status in (404, 410)
        return [] if gone else [f"{name} is marked gone, but the last answer was {record.last_status}"]
    if row.state == "rejected":
        cap = scene.config.reject_above
        body = scene.population.media(profile_id, media_id) or b""
        over = record.endless or (cap is not None and len(body) > cap)
        return [] if over else [f"{name} is marked rejected, but it is not over the cap"]
    if row.state != "stored":
        return [f"{name} is in state {row.state!r}, neither stored nor gone"]
    if (row.sha256, row.size_bytes) not in record.digests:
        return [f"{name}: sha256 and size in the row are not those of any answer"]
    return [] if scene.config.media_root is None else _check_file(name, scene.config.media_root, row)


def _check_file(name: str, root: Path, row: MediaRow) -> list[str]:
    path = root / (row.storage_path or "")
    if not row.storage_path or not path.resolve().is_relative_to(root.resolve()):
        return [f"{name}: storage_path is not below the media root"]
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").digest()
    except OSError as error:
        return [f"{name}: the file cannot be read ({error.strerror})"]
    return [] if digest == row.sha256 else [f"{name}: the file's bytes are not those served"]
