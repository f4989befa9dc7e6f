"""Invents applications for the reports, and stores them as cycles would have done."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.model import Answer, Attachment, Contact, MediaFile, MediaKey, Profile, Role, StoredFile
from syncd.store import applications, clients, confirmations, media, report_rows
from syncd.store.clients import Registration
from syncd.store.confirmations import Ready
from syncd.store.database import Database
from syncd.store.media import Fetched

ZONES = {
    "acme": "Europe/Berlin",
    "beta": "America/New_York",
    "gamma": "Asia/Kolkata",
    "delta": "Pacific/Auckland",
}
# Local nights of the change to and from summer time, in one zone or another, and ends of years and weeks.
ODD_MOMENTS = [
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2025, 12, 31, 23, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    datetime(2024, 12, 29, 23, 59, 59, tzinfo=UTC),
]
SOURCES = [
    None,
    "",
    "  ",
    "Indeed",
    "indeed",
    "INDEED ",
    "karriereseite",
    "Müller@example.com",
    "+49 151 2345678",
]
MEDIUMS = [None, "cpc", "CPC", "qr"]
CAMPAIGNS = [None, "herbst", "Herbst"]
JOBS = [None, "J-1", "J-2", "00123", "max@example.com", "stub 7"]
TEMPLATES = [None, "pflege", "fahrer"]
BLANK_FORM = sha256(b"a blank form").digest()


@dataclass(frozen=True)
class Entry:
    """One application as the ledger knows it."""

    client_id: str
    profile_id: str
    received: datetime
    applied: datetime | None
    job: str | None
    template: str | None
    source: str | None
    medium: str | None
    campaign: str | None
    content: str | None
    language: str | None
    person: int | None
    answers: tuple[str | None, ...]
    cv: bytes | None  # the digest of the CV; b"" is an empty file
    image: bool
    revision: int = 1
    confirmed: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it."""
        return self.client_id, self.profile_id

    @property
    def day(self) -> date:
        """Its local day."""
        return (self.applied or self.received).astimezone(ZoneInfo(ZONES[self.client_id])).date()

    @property
    def month(self) -> date:
        """The first day of its local month."""
        return self.day.replace(day=1)

    @property
    def week(self) -> date:
        """The Monday of its local week."""
        return self.day - timedelta(days=self.day.weekday())


def entries(count: int, seed: int) -> list[Entry]:
    """Invents a ledger. Different clients have the same ids, references and people."""
    rng = random.Random(seed)
    found: dict[tuple[str, str], Entry] = {}
    while len(found) < count:
        client_id = rng.choice(list(ZONES))
        applied = rng.choice(ODD_MOMENTS) if rng.random() < 0.1 else _moment(rng)
        received = applied + timedelta(seconds=rng.choice([3, 90, 86_000]))
        entry = Entry(
            client_id,
            f"P{rng.randrange(count * 2)}",
            received,
            applied if rng.random() < 0.95 else None,
            rng.choice(JOBS),
            rng.choice(TEMPLATES),
            rng.choice(SOURCES),
            rng.choice(MEDIUMS),
            rng.choice(CAMPAIGNS),
            rng.choice([None, "a"]),
            rng.choice(["de", "en-GB", None, "Ich spreche Deutsch"]),
            rng.randrange(count // 2) if rng.random() < 0.9 else None,
            tuple(rng.choice(["ja", "nein", "", None]) for _ in range(rng.randrange(5))),
            rng.choice([None, b"", BLANK_FORM, rng.randbytes(32), rng.randbytes(32)]),
            rng.random() < 0.2,
            revision=rng.choice([1, 1, 1, 2]),
            confirmed=rng.random() < 0.9,
        )
        found.setdefault(entry.key, entry)
    return list(found.values())


def _moment(rng: random.Random) -> datetime:
    return datetime(2024, 11, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(2 * 366 * 86_400))


def profile_of(entry: Entry) -> Profile:
    """The profile that PitchYou would list."""
    media = [name for name, there in (("cv", entry.cv is not None), ("image", entry.image)) if there]
    digest = sha256(repr(entry).encode()).digest()
    return Profile(
        entry.profile_id,
        f'"{entry.profile_id}"',
        entry.job,
        entry.template,
        entry.source,
        entry.medium,
        entry.campaign,
        entry.content,
        entry.applied,
        None,
        entry.language,
        Contact("CANARY", "CANARY", *_reached(entry), {"canary": "CANARY"}),
        tuple(Answer(number, "CANARY?", answer, answer, {}) for number, answer in enumerate(entry.answers)),
        tuple(MediaFile(name, _kind(name), f"CANARY {name}", None) for name in media),
        tuple(Attachment(_role(name), -1, 0, name) for name in media),
        b"{}",
        digest,
        digest,
    )


def _reached(entry: Entry) -> tuple[str | None, str | None]:
    """E-mail and phone of a person, spelled in another way each time."""
    if entry.person is None:
        return None, None
    if entry.person % 5 == 0:
        name = f"CANARY{entry.person}@Example.com"
        return (f" {name}" if entry.image else name.lower()), None
    number = f"{entry.person + 1_000_000:08d}"
    spelled = (
        f"+49151{number}",
        f"0151 {number}",
        f"0049-151/{number}",
        f"49151{number}",
        f"+49 (0)151 {number}",
    )
    return "CANARY@example.com", spelled[len(entry.answers)]


def _kind(name: str) -> str:
    return "application/pdf" if name == "cv" else "image/png"


def _role(name: str) -> Role:
    return Role.CV if name == "cv" else Role.PROFILE_IMAGE


def store(database: Database, ledger: Sequence[Entry]) -> None:
    """Lands, stores and confirms the ledger, as cycles would have done."""
    deadline = Deadline(600)
    for client_id, timezone in ZONES.items():
        mine = [entry for entry in ledger if entry.client_id == client_id]
        registration = Registration(None, timezone, None, None, "http://x")
        database.transact(partial(clients.register, client_id=client_id, registration=registration), deadline)
        for start in range(0, len(mine), 500):
            database.transact(partial(_store, client_id, mine[start : start + 500]), deadline)


def _store(client_id: str, some: Sequence[Entry], connection: Connection) -> None:
    first = [
        replace(entry, answers=(), source="first", revision=1) if entry.revision == 2 else entry
        for entry in some
    ]
    applications.land(connection, client_id, map(profile_of, first), "DE")
    connection.execute(
        text(
            "UPDATE ats.application a SET first_seen_at = e.received FROM unnest(CAST(:ids AS text[]), "
            "CAST(:times AS timestamptz[])) AS e(id, received) WHERE a.client_id = :client AND a.profile_id = e.id"
        ),
        {
            "client": client_id,
            "ids": [entry.profile_id for entry in some],
            "times": [entry.received for entry in some],
        },
    )
    confirmations.record(
        connection, client_id, [Ready(entry.profile_id, "", 1, False) for entry in some if entry.confirmed]
    )
    connection.execute(
        text(
            "UPDATE ats.application SET first_confirmed_at = first_seen_at + interval '9 s' WHERE client_id = :client AND confirmed_revision = 1"
        ),
        {"client": client_id},
    )
    again = [entry for entry in some if entry.revision == 2]
    applications.land(connection, client_id, map(profile_of, again), "DE")
    confirmations.record(
        connection, client_id, [Ready(entry.profile_id, "", 2, False) for entry in again if entry.confirmed]
    )
    files = [
        Fetched(MediaKey(entry.profile_id, "cv"), StoredFile("x", len(entry.cv), entry.cv, "application/pdf"))
        for entry in some
        if entry.cv is not None
    ]
    media.record(connection, client_id, files)


def refresh(database: Database) -> None:
    """Brings all rows of the reports up to date."""
    deadline = Deadline(600)
    for client_id in ZONES:
        while ids := database.transact(
            partial(report_rows.due, client_id=client_id, after="", limit=500), deadline
        ).ids:
            database.transact(
                partial(report_rows.refresh, client_id=client_id, ids=ids, region="DE"), deadline
            )
