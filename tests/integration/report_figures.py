"""The figures of the reports, computed from the invented applications without any SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from statistics import median_low

from tests.integration.report_ledger import Entry

Figures = dict[tuple[object, ...], tuple[object, ...]]


class Ledger:
    """The figures of a ledger."""

    def __init__(self, ledger: Iterable[Entry]) -> None:
        self.entries = list(ledger)
        self._number: dict[tuple[str, str], tuple[int, int | None]] = {}
        persons = defaultdict(list)
        forms = defaultdict(set)
        for entry in self.entries:
            if entry.person is not None:
                persons[entry.client_id, entry.person].append(entry)
            if entry.cv:
                forms[entry.client_id, entry.cv].add(entry.key if entry.person is None else entry.person)
        for theirs in persons.values():
            before: date | None = None
            ordered = sorted(theirs, key=lambda entry: (entry.applied or entry.received, entry.profile_id))
            for number, entry in enumerate(ordered, 1):
                self._number[entry.key] = number, (entry.day - before).days if before else None
                before = entry.day
        self._forms = {form for form, senders in forms.items() if len(senders) >= 5}

    def has_cv(self, entry: Entry) -> bool:
        """Whether a real CV came."""
        return bool(entry.cv) and (entry.client_id, entry.cv) not in self._forms

    def number(self, entry: Entry) -> int | None:
        """This person's n-th application."""
        return self._number.get(entry.key, (None, None))[0]

    def days(self, entry: Entry) -> int | None:
        """Days since the one before."""
        return self._number.get(entry.key, (None, None))[1]

    def grouped(self, by: Callable[[Entry], tuple[object, ...]]) -> dict[tuple[object, ...], list[Entry]]:
        """The entries by what they have in common."""
        groups = defaultdict(list)
        for entry in self.entries:
            groups[entry.client_id, *by(entry)].append(entry)
        return groups

    def figures(
        self, by: Callable[[Entry], tuple[object, ...]], of: Callable[[list[Entry]], tuple[object, ...]]
    ) -> Figures:
        """What each group has."""
        return {key: of(group) for key, group in self.grouped(by).items()}

    def counts(self, group: list[Entry]) -> tuple[int, int, int]:
        """Applications, those with a CV, and those of people who had applied before."""
        repeated = [number for entry in group if (number := self.number(entry)) and number > 1]
        return len(group), sum(map(self.has_cv, group)), len(repeated)

    def repeats(self, group: list[Entry]) -> tuple[object, ...]:
        """The figures of `repeat_applicants`."""
        numbers = [self.number(entry) for entry in group]
        known = [number for number in numbers if number]
        days = [each for entry in group if (each := self.days(entry)) is not None]
        return (
            len(group),
            len(known),
            known.count(1),
            len(known) - known.count(1),
            median_low(days) if days else None,
        )


def shown(value: str | None) -> str:
    """A utm value as the reports show it."""
    value = (value or "").strip()
    return "(personal)" if "@" in value or value.startswith("+49") else value or "(none)"


def job(entry: Entry) -> str:
    """The job as the reports show it."""
    return "(none)" if entry.job is None else "(personal)" if "@" in entry.job else entry.job


def steps(group: list[Entry]) -> tuple[int, int]:
    """Steps of the interviews, and those with an answer."""
    return sum(len(entry.answers) for entry in group), sum(
        bool(each) for entry in group for each in entry.answers
    )
