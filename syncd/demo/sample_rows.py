"""Writes a sample into the tables of `ats`, by COPY. What reports show of it, the fourth stage of real cycles computes."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, text

from syncd.demo.sample import ZONE, Invented, Sample, SampleJob
from syncd.persons import person_key
from syncd.store import tables
from syncd.store.copying import copy_rows

# Applications in one transaction.
BATCH = 5000
_SECRET = text("SELECT value FROM ops.secret WHERE name = 'person_key'")
_STUBS = text(
    """
    INSERT INTO ats.job (client_id, external_reference_id)
    SELECT :client_id, reference FROM unnest(CAST(:references AS text[])) AS reference
    ON CONFLICT DO NOTHING
    """
)


def write_jobs(connection: Connection, sample: Sample) -> None:
    """Add the jobs, as imported from a list."""
    columns = ("title", "department", "location", "recruiter", "status", "opened_at", "closed_at", "origin")
    rows = ((sample.client_id, job.reference, *_job(sample, job)) for job in sample.jobs)
    copy_rows(connection, tables.job, ("client_id", "external_reference_id", *columns), rows)


def _job(sample: Sample, job: SampleJob) -> tuple[Any, ...]:
    is_closed = job.closed <= sample.until
    return (
        job.title,
        job.department,
        job.location,
        job.recruiter,
        "besetzt" if is_closed else "offen",
        _midnight(job.opened),
        _midnight(job.closed) if is_closed else None,
        "import",
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def batches(sample: Sample) -> Iterator[list[Invented]]:
    """Yield the applications in batches of one transaction each."""
    applications = sample.applications()
    while batch := list(islice(applications, BATCH)):
        yield batch


def write_applications(connection: Connection, sample: Sample, batch: Sequence[Invented]) -> None:
    """Add these applications with all that belongs to them, confirmed soon after they came."""
    client_id = sample.client_id
    secret = bytes(connection.execute(_SECRET).scalar_one())
    references = sorted({each.job for each in batch if each.job})
    connection.execute(_STUBS, {"client_id": client_id, "references": references})

    def put(table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        copy_rows(connection, table, ("client_id", "profile_id", *columns), rows)

    put(tables.application, _APPLICATION, (_application(client_id, each, secret) for each in batch))
    put(
        tables.application_contact,
        ("first_name", "last_name", "email"),
        ((client_id, each.profile_id, each.first_name, each.last_name, each.email) for each in batch),
    )
    put(tables.answer, ("step_no", "question", "answer", "answer_json"), _answers(client_id, batch))
    put(tables.media, _MEDIA, _media(client_id, batch))
    put(tables.attachment, ("role", "step_no", "ordinal", "media_id"), _attachments(client_id, batch))
    put(
        tables.outcome,
        ("stage", "occurred_on"),
        (
            (client_id, each.profile_id, stage.value, day)
            for each in batch
            for stage, day in each.outcomes.items()
        ),
    )


_APPLICATION = (
    "wire_id",
    "external_reference_id",
    "job_template_key",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "applied_at",
    "language",
    "person_key",
    "payload_sha256",
    "first_seen_at",
    "last_seen_at",
    "changed_at",
    "confirmed_revision",
    "confirmed_at",
    "first_confirmed_at",
)


def _application(client_id: str, each: Invented, secret: bytes) -> tuple[Any, ...]:
    digest = hashlib.sha256(each.profile_id.encode()).digest()
    received = each.applied_at + timedelta(seconds=20 + digest[0] * 2)
    confirmed = received + timedelta(seconds=1 + digest[1] / 16)
    return (
        client_id,
        each.profile_id,
        json.dumps(each.profile_id),
        each.job,
        each.template_key,
        each.source,
        each.medium,
        each.campaign,
        each.content,
        each.applied_at,
        each.language,
        person_key(secret, client_id, None, each.email, "DE"),
        digest,
        received,
        received,
        received,
        1,
        confirmed,
        confirmed,
    )


def _answers(client_id: str, batch: Iterable[Invented]) -> Iterator[tuple[Any, ...]]:
    for each in batch:
        for number, (question, answer) in enumerate(each.answers):
            shown = ", ".join(answer) if isinstance(answer, list) else answer
            yield client_id, each.profile_id, number, question, shown, answer


_MEDIA = (
    "media_id",
    "mime_type",
    "mime_sniffed",
    "state",
    "size_bytes",
    "sha256",
    "storage_path",
    "stored_at",
)


def _media(client_id: str, batch: Iterable[Invented]) -> Iterator[tuple[Any, ...]]:
    for each in batch:
        for role, kind, digest in each.files:
            stored: tuple[Any, ...] = ("gone", None, None, None, None)
            if digest:
                path = f"sample/{client_id}/{each.profile_id}/{role}"
                stored = ("stored", 40_000 + digest[0] * 5_000, digest, path, each.applied_at)
            yield client_id, each.profile_id, role, kind, kind, *stored


def _attachments(client_id: str, batch: Iterable[Invented]) -> Iterator[tuple[Any, ...]]:
    for each in batch:
        for role, _, _ in each.files:
            yield client_id, each.profile_id, role, 4 if role == "step" else -1, 0, role


def write_costs(connection: Connection, sample: Sample) -> None:
    """Add what the sources have cost, after all applications were written."""
    rows = [
        {
            "client_id": sample.client_id,
            "month": month,
            "source": source,
            "currency": "EUR",
            "amount": Decimal(amount),
        }
        for month, source, amount in sample.costs()
    ]
    if rows:
        connection.execute(tables.cost.insert(), rows)


# As after a request of the applicant, some months ago.
_ERASE = (
    text(
        """
        UPDATE ats.application SET erased_at = now(), person_key = NULL
        WHERE client_id = :client_id AND profile_id = ANY(:ids)
        """
    ),
    *(
        text(f"DELETE FROM ats.{table} WHERE client_id = :client_id AND profile_id = ANY(:ids)")
        for table in ("application_contact", "answer", "media", "outcome")
    ),
)


def erase(connection: Connection, client_id: str, ids: Sequence[str]) -> None:
    """Remove what these applications say about their applicants."""
    for statement in _ERASE:
        connection.execute(statement, {"client_id": client_id, "ids": list(ids)})
