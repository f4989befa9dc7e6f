"""Defines the terms of the domain as frozen types. Nothing here reads or writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

# What `json.loads` returns. A recursive type would not help here.
Json = Any

CLIENT_ID = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A tenant's name at PitchYou (S1.2): a DNS label, since it becomes the host name `CLIENT_ID.pitchyou.de`.

Labels that begin with `xn--` encode a name in another script. Browsers show that name, or refuse the label if it encodes
none, so `report.apply_link` in SQL builds no link from one either.
"""

CLIENT_ID_RULE = (
    "1 to 63 lower-case letters, digits and hyphens, begins and ends with a letter or digit, and does not begin "
    "with 'xn--', since it becomes the host name CLIENT_ID.pitchyou.de"
)

# The step_no of an attachment that belongs to the profile, not to a step.
NO_STEP = -1


class MediaState(StrEnum):
    """The state of a media file."""

    # To be downloaded, now or at next_attempt_at.
    PENDING = "pending"
    # On disk and fsynced; the row has its digest.
    STORED = "stored"
    # Missing at PitchYou for media_gone_after. The profile is confirmed without it.
    GONE = "gone"
    # Larger than media.max_bytes. The profile stays unconfirmed until the limit is raised.
    REJECTED = "rejected"
    # Removed on a person's request.
    ERASED = "erased"


class Role(StrEnum):
    """Where in a profile a media file is referenced."""

    CV = "cv"
    PROFILE_IMAGE = "profile_image"
    STEP = "step"
    # Any other place.
    OTHER = "other"


class Stage(StrEnum):
    """What may become of an application, in the order in which it usually happens. Your ATS decides it."""

    SCREENED = "screened"
    INTERVIEWED = "interviewed"
    OFFERED = "offered"
    HIRED = "hired"
    # By you.
    REJECTED = "rejected"
    # By the applicant.
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """How a cycle ended."""

    RUNNING = "running"
    OK = "ok"
    # Something is in quarantine, gone, rejected, late or not confirmed, or the list was only a part of it.
    PARTIAL = "partial"
    FAILED = "failed"
    # The cycle was stopped, or its process died.
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Where a real payload keeps the values that the article does not name: dotted paths into the step or the profile."""

    question: str = "question"
    answer: str = "answer"
    first_name: str = "firstName"
    last_name: str = "lastName"
    email: str = "email"
    phone: str = "phone"
    language: str = "language"
    applied_at: str = "createdAt"


class Answer(NamedTuple):
    """One step of the interview (S2.1). `answer` is a readable form of the answer, `answer_json` the answer as received."""

    step_no: int
    question: str | None
    answer: str | None
    answer_json: Json
    extra: Mapping[str, Json]


class MediaFile(NamedTuple):
    """One media file of a profile (S2.2). syncd keeps all fields but the id only as text."""

    media_id: str
    mime_type: str | None
    file_name: str | None
    download_uri: str | None


class Attachment(NamedTuple):
    """A place in the profile that references a media file. `step_no` is NO_STEP for cv and profile image."""

    role: Role
    step_no: int
    ordinal: int
    media_id: str


class Contact(NamedTuple):
    """The personal data of an applicant. One table holds it, so that it can be granted, masked and erased."""

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    extra: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Profile:
    """One application as PitchYou listed it (S2.1), cleaned so that Postgres can hold every value.

    `wire_id` is the profileId as JSON text (`"a1"` or `17`): the confirm sends it back in its own type.
    `payload` holds the exact bytes and `raw_sha256` their digest. `payload_sha256` is the digest of the content.
    `file_extras` holds the fields of media entries that syncd does not know, each with the path of its entry.
    """

    profile_id: str
    wire_id: str
    external_reference_id: str | None
    job_template_key: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_content: str | None
    applied_at: datetime | None
    applied_at_raw: str | None
    language: str | None
    contact: Contact
    answers: tuple[Answer, ...]
    media: tuple[MediaFile, ...]
    attachments: tuple[Attachment, ...]
    payload: bytes = field(repr=False)
    payload_sha256: bytes = field(repr=False)
    raw_sha256: bytes = field(repr=False)
    file_extras: tuple[tuple[str, Mapping[str, Json]], ...] = field(default=(), repr=False)

    def is_twin_of(self, wire_id: str) -> bool:
        """Whether the same id has the other JSON type there: 17 and "17" may be two applications."""
        return self.wire_id.startswith('"') != wire_id.startswith('"')

    def as_twin(self) -> "BadProfile":
        """Return this profile for the quarantine, without its id, which names another application."""
        reason = (
            f"profileId {self.wire_id} differs only in its JSON type from the id of another application, "
            "and syncd stores one application for an id"
        )
        return BadProfile(None, reason, self.payload_sha256, self.payload)


@dataclass(frozen=True, slots=True)
class BadProfile:
    """A listed element that cannot be parsed as an application. It goes to quarantine with its bytes.

    `fingerprint` is 32 bytes that stay the same when the same bad profile is listed again.
    """

    profile_id: str | None
    reason: str
    fingerprint: bytes = field(repr=False)
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Template:
    """An interview that PitchYou offers (S1.1).

    `description` is the one text to show. `descriptions` and `raw` hold what PitchYou sent.
    """

    template_key: str
    description: str | None
    descriptions: Json
    raw: Json


@dataclass(frozen=True, slots=True)
class MediaKey:
    """The business key of a media file within a client."""

    profile_id: str
    media_id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of one client's files on the media root, which the database knows as well.

    Attributes:
        store: the id of the store that the files belong to, in hexadecimal.
        generation: how often that store has changed the mark.
        token: random, another one in each generation.
    """

    store: str
    generation: int
    token: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is durable on disk. `storage_path` is relative to the media root."""

    storage_path: str
    size_bytes: int
    sha256: bytes
    mime_sniffed: str | None
