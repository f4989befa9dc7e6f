"""Writes the key figures of a page, each with last year's month and the difference."""

from collections.abc import Callable
from dataclasses import dataclass

from syncd.reporting.words import Wording
from syncd.store.report_figures import MonthReport, Totals


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: its name, its value, what the value is made of, last year's value, and the difference."""

    label: str
    value: str
    detail: str = ""
    last_year: str = ""
    difference: str = ""


def compares(report: MonthReport) -> bool:
    """Whether last year's month can be subtracted: the data reaches it, and this month is over."""
    return report.totals_last_year is not None and report.state == "past"


def key_figures(report: MonthReport, words: Wording) -> tuple[Figure, ...]:
    """Write the key figures; none for a month without figures."""
    now = report.totals
    if now is None:
        return ()
    writer = _Writer(words, now, report.totals_last_year, compares(report))
    days = now.median_days_since_previous
    return (
        writer.count("applications", lambda each: each.applications),
        writer.share("with_cv", lambda each: (each.applications_with_cv, each.applications)),
        writer.share(
            "repeats",
            lambda each: (each.repeat_applications, each.applications_person_known),
            more="" if days is None else words("median_days", n=days),
        ),
        writer.count("jobs_applied_for", lambda each: each.jobs),
        writer.share("answered", lambda each: (each.answers, each.questions)),
        writer.count(
            "files_missing",
            lambda each: each.files_missing,
            detail=words("of", n=now.files_missing, base=now.files),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes single figures of a month. `before` is None if the data does not reach last year's month."""

    words: Wording
    now: Totals
    before: Totals | None
    compares: bool

    def count(self, key: str, number: Callable[[Totals], int], *, detail: str = "") -> Figure:
        """Write a number."""
        words, now = self.words, number(self.now)
        last_year = difference = ""
        if self.before is not None:
            before = number(self.before)
            last_year = self._last_year(words.number(before))
            if self.compares:
                growth = words.growth(now, before)
                difference = words.signed(now - before) + (f" ({growth})" if growth else "")
        return Figure(words.titled(key), words.number(now), detail, last_year, difference)

    def share(self, key: str, parts: Callable[[Totals], tuple[int, int]], *, more: str = "") -> Figure:
        """Write a share, given as its part and its base."""
        words, (part, base) = self.words, parts(self.now)
        last_year = difference = ""
        if self.before is not None:
            part_before, base_before = parts(self.before)
            last_year = self._last_year(words.percent(part_before, base_before))
            if self.compares and base and base_before:
                difference = words.points(100 * part / base - 100 * part_before / base_before)
        detail = ", ".join(filter(None, [words("of", n=part, base=base) if base else "", more]))
        return Figure(words.titled(key), words.percent(part, base), detail, last_year, difference)

    def _last_year(self, value: str) -> str:
        return f"{self.words.titled('last_year')} {value}"
