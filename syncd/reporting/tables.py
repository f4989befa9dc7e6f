"""Writes the tables of a page, and decides how many rows each may have. All rows are in the JSON and the CSV file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from syncd.reporting.figures import compares
from syncd.reporting.words import Wording
from syncd.shown import printable, shortened
from syncd.store.report_figures import AnswerShare, Compared, IdleLink, Job, MonthReport

C = TypeVar("C", bound=Compared)

# The most rows of each table. A last line counts the others. So a page fits on one side of A4, or on two if many cells
# have several lines.
_ROWS: Mapping[str, int] = {
    "sources": 8,
    "campaigns": 6,
    "templates": 5,
    "answers": 4,
    "jobs": 8,
    "idle_jobs": 5,
    "unknown": 4,
    "idle_links": 4,
}
# Characters of a cell, and of the two parts of a job's name.
_LONGEST, _LONGEST_TITLE, _LONGEST_REFERENCE = 44, 36, 20
# Answers of a question.
_ANSWERS = 4
# The answers of a step that asks for yes or no, as the views have them.
_BOOLEANS = {"true": "yes", "false": "no"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table. The first `texts` columns are text, the others are numbers. `more` counts the rows that are left out."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    more: str = ""


def tables_of_applicants(report: MonthReport, words: Wording) -> tuple[Table, ...]:
    """Write where applications come from, and what applicants answer."""
    writer = _Writer(report, words)
    shown = writer.shown
    return (
        writer.compared("sources", ("source",), report.sources, lambda s: (shown(s.source),)),
        writer.compared(
            "campaigns",
            ("campaign", "content"),
            report.campaigns,
            lambda c: (shown(c.campaign), shown(c.content)),
        ),
        writer.compared(
            "templates", ("template",), report.templates, lambda t: (shown(t.template or t.template_key),)
        ),
        writer.answers(),
    )


def tables_of_jobs(report: MonthReport, words: Wording) -> tuple[Table, ...]:
    """Write which jobs are applied for, and what needs somebody's attention."""
    writer = _Writer(report, words)
    return (
        writer.compared("jobs", ("job",), report.jobs, lambda j: (writer.job(j.job_reference, j.title),)),
        writer.idle_jobs(),
        writer.unknown([job for job in report.jobs if job.is_unknown and job.applications]),
        writer.idle_links(),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes single tables of one report."""

    report: MonthReport
    words: Wording

    def compared(
        self, key: str, names: tuple[str, ...], lines: Sequence[C], named: Callable[[C], tuple[str, ...]]
    ) -> Table:
        """Write applications and their share with CV, with last year's month and the difference if they are known."""
        columns = [*names, "count", "cv_column"]
        if self.report.totals_last_year is not None:
            columns.append("last_year")
        if compares(self.report):
            columns.append("difference")
        rows = [(*named(line), *self._numbers(line)) for line in lines]
        return self._table(key, columns, rows, texts=len(names))

    def answers(self) -> Table:
        """Write one row for each question, with its most frequent answers."""
        rows = []
        for question, answers in groupby(self.report.answers, attrgetter("question")):
            shares = list(answers)
            parts = list(map(self._answer, shares[:_ANSWERS]))
            if (more := len(shares) - _ANSWERS) > 0:
                parts.append(self.words("more_answers", n=more))
            shown = "; ".join(parts)
            rows.append((self.shown(question), shown, self.words.number(shares[0].answered)))
        return self._table("answers", ("question", "answer", "answered_by"), rows, texts=2)

    def idle_jobs(self) -> Table:
        """Write the open jobs for which nobody has applied, the oldest one first."""
        words = self.words
        rows = [
            (
                self.job(job.job_reference, job.title),
                words("yes" if job.has_link else "no"),
                "–" if job.days_open is None else words.number(job.days_open),
            )
            for job in self.report.jobs_without_application
        ]
        return self._table("idle_jobs", ("job", "has_link", "days_open"), rows, is_now=True)

    def unknown(self, jobs: Sequence[Job]) -> Table:
        """Write the references of this month that the list of jobs lacks."""
        rows = [(self.shown(job.job_reference), self.words.number(job.applications)) for job in jobs]
        return self._table("unknown", ("reference", "count"), rows)

    def idle_links(self) -> Table:
        """Write the apply links that have brought nobody, the oldest one first."""
        rows = [
            (
                self.job(link.job_reference, link.title),
                self._place(link),
                self.words.short_day(link.first_issued_date),
            )
            for link in self.report.links_without_application
        ]
        return self._table("idle_links", ("job", "link", "since"), rows, texts=2, is_now=True)

    def job(self, reference: str, title: str | None) -> str:
        """Name a job by its title, if it is known, and its reference."""
        if not title:
            return self.shown(reference)
        return f"{shortened(printable(title), _LONGEST_TITLE)} ({shortened(printable(reference), _LONGEST_REFERENCE)})"

    def shown(self, text: str) -> str:
        """Make a text of others safe and short, and say what stands in place of a value."""
        return shortened(printable(self.words.value(text)), _LONGEST)

    def _table(
        self,
        key: str,
        columns: Iterable[str],
        rows: Sequence[tuple[str, ...]],
        *,
        texts: int = 1,
        is_now: bool = False,
    ) -> Table:
        title, words = self.words(key), self.words
        if is_now and self.report.state == "past":
            title += f" ({words('as_of', day=words.short_day(self.report.today))})"
        left_out = len(rows) - _ROWS[key]
        return Table(
            title,
            tuple(map(words.titled, columns)),
            tuple(rows[: _ROWS[key]]),
            texts,
            words("more", n=left_out) if left_out > 0 else "",
        )

    def _numbers(self, line: Compared) -> list[str]:
        words, before = self.words, line.applications_last_year
        numbers = [
            words.number(line.applications),
            words.percent(line.applications_with_cv, line.applications),
        ]
        if before is not None:
            numbers.append(words.number(before))
            if compares(self.report):
                numbers.append(words.signed(line.applications - before))
        return numbers

    def _answer(self, share: AnswerShare) -> str:
        words = self.words
        answer = words(_BOOLEANS[share.answer]) if share.answer in _BOOLEANS else self.shown(share.answer)
        text = f"{answer}: {words.percent(share.applications, share.answered)}"
        if share.applications_last_year is None or not share.answered_last_year:
            return text
        before = words.percent(share.applications_last_year, share.answered_last_year)
        return f"{text} ({words('last_year')} {before})"

    def _place(self, link: IdleLink) -> str:
        parts = (link.utm_source, link.utm_medium, link.utm_campaign, link.utm_content)
        named = [self.words.value(part) for part in parts if part != "(none)"]
        return shortened(printable(" / ".join(named)), _LONGEST) if named else self.words.value("(none)")
