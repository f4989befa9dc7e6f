"""Invents two years of applications, jobs, costs and outcomes for a store that dashboards can be built on.

All of it is invented: words come from the sandbox, addresses end in example.org. The same seed and day give the same data.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

from syncd.model import Stage
from syncd.sandbox.content import vocabulary as words

DAYS = 730
ZONE = ZoneInfo("Europe/Berlin")
# Shares of applications.
_REPEATED, _NAMELESS, _WITHOUT_JOB, _MISTYPED = 0.12, 0.01, 0.04, 0.01
_CV, _IMAGE, _VIDEO, _GONE, _BLANK_FORM = 0.62, 0.3, 0.08, 0.01, 0.02
# How often each of `words.SOURCES` brings an application, what one costs in EUR, and how often one is hired.
_SOURCES = (
    (30, 9.50, 0.05),
    (12, 24.00, 0.08),
    (14, 6.20, 0.03),
    (16, 7.10, 0.03),
    (12, 0.0, 0.10),
    (5, 4.00, 0.06),
    (4, 1.50, 0.09),
    (7, 0.0, 0.05),
)
_HOURS = (1, 1, 0, 0, 0, 1, 3, 6, 8, 8, 8, 9, 11, 9, 8, 8, 9, 12, 15, 18, 20, 17, 10, 4)
_WEEKDAYS = (1.25, 1.2, 1.1, 1.0, 0.85, 0.55, 0.75)
# Those with more different answers than a closed question has.
_FREE = tuple(each for each in words.FREE_QUESTIONS if len(words.SENTENCES[each[1]]) > 3)
# Some of what facebook brings was paid for, by campaign and picture.
_FACEBOOK = (
    ("social", "social", "cpc"),
    ("pflege-jetzt", "pflege-jetzt", "lager-jetzt"),
    ("reel", "karussell"),
)
_OPENINGS = 5  # jobs for each of `words.JOBS`


@dataclass(frozen=True, slots=True)
class SampleJob:
    """A job of the list, open from `opened` until `closed`, which may be in the future."""

    reference: str
    title: str
    department: str
    location: str
    recruiter: str
    template_key: str
    opened: date
    closed: date
    weight: float  # 0: nobody applies


@dataclass(frozen=True, slots=True)
class Invented:
    """One application. `files` has the role, type and digest of each file; a digest of None is a file that is gone."""

    profile_id: str
    applied_at: datetime
    job: str | None
    template_key: str
    source: str | None
    medium: str | None
    campaign: str | None
    content: str | None
    language: str
    first_name: str
    last_name: str
    email: str | None
    answers: tuple[tuple[str, object], ...]
    files: tuple[tuple[str, str, bytes | None], ...]
    outcomes: dict[Stage, date] = field(default_factory=dict)


class Sample:
    """What one tenant has: jobs and applications, the same for the same arguments.

    Args:
        until: the last day.
    """

    def __init__(self, client_id: str, count: int, seed: int, until: date) -> None:
        self.client_id, self.count, self.until = client_id, count, until
        self.first = until - timedelta(days=DAYS - 1)
        self._rng = random.Random(f"{seed}/{client_id}")  # noqa: S311 - invents data, and keeps no secret
        self._blank_form = self._rng.randbytes(32)
        self._people: list[tuple[str, str, str]] = []
        # (month, source) and how many came, for the costs.
        self.counts: dict[tuple[date, int], int] = {}
        self.jobs = [self._job(number) for number in range(_OPENINGS * len(words.JOBS))]

    def _job(self, number: int) -> SampleJob:
        rng = self._rng
        base = words.JOBS[number % len(words.JOBS)]
        nobody_applies = number % 13 == 5
        opened = self.first + timedelta(days=rng.randrange(DAYS - 90 if nobody_applies else -60, DAYS - 5))
        prefix = base.reference.split("-")[0].split("/")[0].split(" ")[0]
        return SampleJob(
            f"{prefix}-{opened.year}-{number:03d}",
            base.title,
            base.trade.rpartition(" ")[2],
            rng.choice(words.PLACES),
            f"{rng.choice(words.FIRST_NAMES)} {rng.choice(words.LAST_NAMES)}",
            base.template_key,
            opened,
            opened + timedelta(days=rng.randrange(100, 400)),
            0.0 if nobody_applies else rng.choice((1.0, 1.0, 2.0, 4.0)),
        )

    @cached_property
    def _days(self) -> tuple[list[date], list[float]]:
        days = [self.first + timedelta(days=number) for number in range(DAYS)]
        return days, list(accumulate(map(self._busy, days)))

    def _busy(self, day: date) -> float:
        # Most applications come in January and September; each year brings more than the one before.
        season = 1 + 0.3 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 20) / 182.6)
        growth = 1 + 0.6 * (day - self.first).days / DAYS
        holidays = 0.35 if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2) else 1.0
        return season * growth * holidays * _WEEKDAYS[day.weekday()]

    def applications(self) -> Iterator[Invented]:
        """Yield the applications, in the order of their days."""
        rng, (days, busy) = self._rng, self._days
        drawn = sorted(rng.choices(range(DAYS), cum_weights=busy, k=self.count))
        there: list[SampleJob] = []
        weights: list[float] = []
        before = -1
        for number, index in enumerate(drawn):
            day = days[index]
            if index != before:
                there = [job for job in self.jobs if job.weight and job.opened <= day <= job.closed]
                weights = list(accumulate(job.weight for job in there))
                before = index
            job = rng.choices(there, cum_weights=weights)[0] if there else None
            yield self._application(number, day, job)

    def _application(self, number: int, day: date, job: SampleJob | None) -> Invented:
        rng = self._rng
        hour = rng.choices(range(24), _HOURS)[0]
        local = datetime(
            day.year, day.month, day.day, hour, rng.randrange(60), rng.randrange(60), tzinfo=ZONE
        )
        which = rng.choices(range(len(_SOURCES)), [weight for weight, _, _ in _SOURCES])[0]
        source, medium, campaign, content = words.SOURCES[which]
        if source == "facebook":
            medium, campaign, content = map(rng.choice, _FACEBOOK)
        key = day.replace(day=1), which
        self.counts[key] = self.counts.get(key, 0) + 1
        first, last, email = self._person(number)
        chance = rng.random()
        reference = None if job is None or chance < _WITHOUT_JOB else job.reference
        if reference and chance > 1 - _MISTYPED:
            # Or somebody has kept an old advertisement.
            reference = rng.choice((reference.replace("-", "_", 1), "ALT-4711"))
        return Invented(
            f"{self.client_id}-{number:07d}",
            local.astimezone(UTC),
            reference,
            job.template_key if job else "standard",
            source.title() if source and rng.random() < 0.05 else source,
            medium,
            _season(day) if campaign == "herbst-2026" else campaign,
            content,
            rng.choice(words.LANGUAGES),
            first,
            last,
            None if rng.random() < _NAMELESS else email,
            self._answers(job, f"{first} {last}"),
            self._files(),
            self._outcomes(day, _SOURCES[which][2]),
        )

    def _person(self, number: int) -> tuple[str, str, str]:
        rng = self._rng
        if self._people and rng.random() < _REPEATED:
            return rng.choice(self._people)
        first, last = rng.choice(words.FIRST_NAMES), rng.choice(words.LAST_NAMES)
        person = first, last, f"{self.client_id}.{number}@example.org"
        # People apply again within some weeks or months, not years.
        if len(self._people) < 2000:
            self._people.append(person)
        else:
            self._people[rng.randrange(2000)] = person
        return person

    def _answers(self, job: SampleJob | None, name: str) -> tuple[tuple[str, object], ...]:
        rng = self._rng
        question, topic = rng.choice(_FREE)
        pool = words.SENTENCES[topic]
        trade = job.department if job else "Team"
        facts = {"place": rng.choice(words.PLACES), "trade": trade, "years": str(rng.randrange(2, 19))}
        return (
            ("Wie heißt du mit vollem Namen?", name),
            ("In welchen Schichten kannst du arbeiten?", rng.sample(words.SHIFTS, rng.randrange(1, 4))),
            ("Wie viele Stunden pro Woche möchtest du arbeiten?", rng.choice(("20", "30", "35", "38.5", "40", "40"))),
            ("Welche Führerscheine hast du?", rng.choice((None, "B", "B", ["B", "C1", "CE"]))),
            (question, " ".join(rng.sample(pool, rng.randrange(2, len(pool) + 1))).format_map(facts)),
        )  # fmt: skip

    def _files(self) -> tuple[tuple[str, str, bytes | None], ...]:
        rng = self._rng
        files = []
        for role, kind, share in (
            ("cv", "application/pdf", _CV),
            ("profile_image", "image/jpeg", _IMAGE),
            ("step", "video/mp4", _VIDEO),
        ):
            if rng.random() < share:
                digest = (
                    self._blank_form if role == "cv" and rng.random() < _BLANK_FORM else rng.randbytes(32)
                )
                files.append((role, kind, None if rng.random() < _GONE else digest))
        return tuple(files)

    def _outcomes(self, day: date, hired: float) -> dict[Stage, date]:
        rng, found = self._rng, {}
        chance, moment = rng.random(), day
        reached = [Stage.SCREENED]
        if chance < hired:
            reached += [Stage.INTERVIEWED, Stage.OFFERED, Stage.HIRED]
        elif chance < 3 * hired:
            reached += [Stage.INTERVIEWED, rng.choice((Stage.REJECTED, Stage.WITHDRAWN))]
        elif chance < 0.85:
            reached += [Stage.REJECTED]
        for stage in reached:
            moment += timedelta(days=rng.randrange(1, 12))
            if moment > self.until:
                break
            found[stage] = moment
        return found

    def costs(self) -> Iterator[tuple[date, str, str]]:
        """Yield month, source and amount in EUR, after all applications were drawn."""
        for (month, which), count in sorted(self.counts.items()):
            source, price = words.SOURCES[which][0], _SOURCES[which][1]
            if source and price:
                yield month, source, f"{count * price * self._rng.uniform(0.8, 1.25):.2f}"


def _season(day: date) -> str:
    names = ("winter", "fruehling", "sommer", "herbst")
    return f"{names[day.month % 12 // 3]}-{day.year}"
