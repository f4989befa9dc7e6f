"""The sample of `syncd demo --applications`: the same for the same seed and day, and about nobody."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

from syncd.demo.sample import DAYS, ZONE, Invented, Sample
from syncd.model import Stage

UNTIL = date(2026, 11, 30)


def invented(seed: int) -> list[Invented]:
    return list(Sample("acme", 3000, seed, UNTIL).applications())


def test_a_seed_and_a_day_give_the_same_applications() -> None:
    once = invented(1)
    assert once == invented(1)
    assert once != invented(2)
    assert len({each.profile_id for each in once}) == len(once) == 3000


def test_the_sample_looks_like_two_years_of_recruiting_and_names_nobody() -> None:
    sample = Sample("acme", 3000, 1, UNTIL)
    once = list(sample.applications())
    days = [each.applied_at.astimezone(ZONE).date() for each in once]
    assert days == sorted(days)
    assert sample.first <= days[0] <= days[-1] <= UNTIL
    assert (UNTIL - sample.first).days == DAYS - 1
    by_month = Counter(day.month for day in days)
    assert by_month[1] > 1.3 * by_month[4]
    assert all(re.fullmatch(r"acme\.\d+@example\.org", each.email) for each in once if each.email)
    people = Counter(each.email for each in once)
    assert 0.06 < sum(count - 1 for person, count in people.items() if person) / 3000 < 0.2
    there = {job.reference: job for job in sample.jobs}
    for each, day in zip(once, days, strict=True):
        if each.job in there:
            assert there[each.job].opened <= day <= there[each.job].closed
        assert all(day < occurred <= UNTIL for occurred in each.outcomes.values())
    assert {stage for each in once for stage in each.outcomes} == set(Stage)
    assert [job for job in sample.jobs if not job.weight]
