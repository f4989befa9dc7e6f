"""Helps tests of job lists: imports a list, reads the result, and lands applications."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.model import Contact, Profile
from syncd.recruiting.jobs import Imported, import_jobs
from syncd.store import applications, clients
from syncd.store.database import Database
from syncd.store.jobs import JobLine, listed

BERLIN = ZoneInfo("Europe/Berlin")


def take_in(database: Database, folder: Path, content: str, *, client: str = "acme", **how: Any) -> Imported:
    path = folder / "jobs.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return import_jobs(database, client, path, timezone=BERLIN, **how)


def counts(imported: Imported) -> tuple[int, int, int, int, int, int]:
    return (
        imported.read,
        imported.new,
        imported.filled,
        imported.changed,
        imported.unchanged,
        imported.closed,
    )


def jobs(database: Database, **how: Any) -> dict[str, JobLine]:
    return {
        job.external_reference_id: job
        for job in database.transact(lambda c: listed(c, **how), Deadline(30), patience=0)
    }


def rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    return database.transact(lambda c: [tuple(row) for row in c.execute(text(sql))], Deadline(30))


def execute(database: Database, sql: str) -> None:
    database.transact(lambda c: c.execute(text(sql)), Deadline(30))


def apply(database: Database, profile_id: str, *references: str, day: int = 1) -> None:
    """Lands an application for each job, as the sync does."""
    profiles = [
        Profile(
            profile_id=f"{profile_id}-{number}",
            wire_id='"P"',
            external_reference_id=reference,
            job_template_key=None,
            utm_source=None,
            utm_medium=None,
            utm_campaign=None,
            utm_content=None,
            applied_at=datetime(2026, 11, day, 12, tzinfo=UTC),
            applied_at_raw=None,
            language=None,
            contact=Contact(None, None, None, None, {}),
            answers=(),
            media=(),
            attachments=(),
            payload=b"{}",
            payload_sha256=b"1",
            raw_sha256=b"1",
        )
        for number, reference in enumerate(references)
    ]
    database.transact(lambda c: clients.lock(c, "acme"), Deadline(30))
    database.transact(lambda c: applications.land(c, "acme", profiles, "DE"), Deadline(30))


def problems(database: Database, folder: Path, content: str, **how: Any) -> tuple[str, ...]:
    with pytest.raises(BadInput) as caught:
        take_in(database, folder, content, **how)
    return caught.value.problems
