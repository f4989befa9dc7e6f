"""Writes the key figures of a page, each with last year's month and the difference."""

from dataclasses import dataclass

from syncd.reporting.words import Wording
from syncd.store.report_figures import MonthReport


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: its name, its value, what the value is made of, and last year's with the difference."""

    label: str
    value: str
    detail: str = ""
    comparison: str = ""


def compares(report: MonthReport) -> bool:
    """Whether last year's month can be subtracted: the data reaches it, and this month is over."""
    return report.totals_last_year is not None and report.state == "past"


def key_figures(report: MonthReport, words: Wording) -> tuple[Figure, ...]:
    """Write the key figures; none for a month without figures."""
    now, before = report.totals, report.totals_last_year
    if now is None:
        return ()
    writer = _Writer(words, compares(report))
    days = now.median_days_since_previous
    return (
        writer.count("applications", now.applications, before and before.applications),
        writer.share(
            "with_cv",
            (now.applications_with_cv, now.applications),
            before and (before.applications_with_cv, before.applications),
        ),
        writer.share(
            "repeats",
            (now.repeat_applications, now.applications_person_known),
            before and (before.repeat_applications, before.applications_person_known),
            more="" if days is None else words("median_days", n=days),
        ),
        writer.count("jobs_applied_for", now.jobs, before and before.jobs),
        writer.share("answered", (now.answers, now.questions), before and (before.answers, before.questions)),
        writer.count(
            "files_missing",
            now.files_missing,
            before and before.files_missing,
            detail=words("of", n=now.files_missing, base=now.files),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes single figures. Without `compares`, it writes no differences."""

    words: Wording
    compares: bool

    def count(self, key: str, now: int, before: int | None, *, detail: str = "") -> Figure:
        """Write a number. `before` is None if the data does not reach last year's month."""
        comparison = []
        if before is not None:
            comparison.append(self._last_year(self.words.number(before)))
            if self.compares:
                growth = self.words.growth(now, before)
                comparison.append(self.words.signed(now - before) + (f" ({growth})" if growth else ""))
        return Figure(self.words.titled(key), self.words.number(now), detail, " · ".join(comparison))

    def share(
        self, key: str, now: tuple[int, int], before: tuple[int, int] | None, *, more: str = ""
    ) -> Figure:
        """Write a share, given as its part and its base."""
        (part, base), comparison = now, []
        if before is not None:
            comparison.append(self._last_year(self.words.percent(*before)))
            if self.compares and base and before[1]:
                comparison.append(self.words.points(100 * part / base - 100 * before[0] / before[1]))
        details = [self.words("of", n=part, base=base)] if base else []
        detail = ", ".join([*details, *filter(None, [more])])
        value = self.words.percent(part, base)
        return Figure(self.words.titled(key), value, detail, " · ".join(comparison))

    def _last_year(self, value: str) -> str:
        return f"{self.words.titled('last_year')} {value}"
