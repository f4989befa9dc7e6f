"""The list of profiles as Arrow tables, one for each target table. It follows "Performance Tips" of msgspec's documentation."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa


class Media(msgspec.Struct, rename="camel", gc=False):
    """A file that belongs to a profile."""

    media_id: str
    mime_type: str | None = None
    file_name: str | None = None
    download_uri: str | None = None


class Step(msgspec.Struct, rename="camel", gc=False):
    """A question and its answer."""

    question: str | None = None
    answer: str | None = None
    type: str | None = None
    step_id: str | None = None
    attachments: list[Media] = []


class Profile(msgspec.Struct, rename="camel", gc=False):
    """One element of the list."""

    profile_id: str
    external_reference_id: str | None = None
    job_template_key: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    created_at: str | None = None
    language: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    steps: list[Step] = []
    cv: Media | None = None
    profile_image: Media | None = None


APPLICATION = tuple(name for name in Profile.__struct_fields__[:9] if name != "created_at")
CONTACT = ("profile_id", *Profile.__struct_fields__[9:13])
ANSWER = ("profile_id", "step_no", *Step.__struct_fields__[:4])
MEDIA = ("profile_id", *Media.__struct_fields__)
ATTACHMENT = ("profile_id", "role", "step_no", "ordinal", "media_id")
Row = tuple[Any, ...]


def files(profile: Profile) -> Iterator[tuple[str, int, int, Media]]:
    """Give each file with its role, the number of its step (-1 for none) and its place there."""
    if profile.cv:
        yield "cv", -1, 0, profile.cv
    if profile.profile_image:
        yield "profile_image", -1, 0, profile.profile_image
    for number, step in enumerate(profile.steps):
        for place, medium in enumerate(step.attachments):
            yield "answer", number, place, medium


def of_rows(names: tuple[str, ...], rows: list[Row]) -> pa.Table:
    """Make a table of tuples; numbers are the columns `step_no` and `ordinal`."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    types = [pa.int32() if name in ("step_no", "ordinal") else pa.string() for name in names]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names)


def tables(content: bytes) -> dict[str, pa.Table]:
    """Decode the list and give a table for each target."""
    payloads = msgspec.json.decode(content, type=list[msgspec.Raw])
    decoder = msgspec.json.Decoder(Profile)
    profiles = [decoder.decode(payload) for payload in payloads]
    ids = pa.array([profile.profile_id for profile in profiles], pa.string())
    found = [(profile.profile_id, *file) for profile in profiles for file in files(profile)]
    media = {
        (name, m.media_id): (name, m.media_id, m.mime_type, m.file_name, m.download_uri)
        for name, *_, m in found
    }
    answers = [
        (profile.profile_id, number, step.question, step.answer, step.type, step.step_id)
        for profile in profiles
        for number, step in enumerate(profile.steps)
    ]
    application = of_rows(APPLICATION, [tuple(getattr(p, name) for name in APPLICATION) for p in profiles])
    created = pa.array([profile.created_at for profile in profiles], pa.string()).cast(
        pa.timestamp("us", "UTC")
    )
    return {
        "application": application.append_column("created_at", created),
        "contact": of_rows(CONTACT, [tuple(getattr(p, name) for name in CONTACT) for p in profiles]),
        "payload": pa.table([ids, pa.array(map(bytes, payloads), pa.string())], ["profile_id", "payload"]),
        "answer": of_rows(ANSWER, answers),
        "media": of_rows(MEDIA, list(media.values())),
        "attachment": of_rows(ATTACHMENT, [(*place, medium.media_id) for *place, medium in found]),
    }
