"""Decides what the page of a report says: its head, its key figures (`figures.py`) and its tables (`tables.py`).

A page is text without markup, so that text, HTML and PDF say the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from syncd.publishing.languages import Language
from syncd.reporting.figures import Figure, key_figures
from syncd.reporting.tables import Table, tables_of_applicants, tables_of_jobs
from syncd.reporting.words import Wording
from syncd.shown import printable, shortened
from syncd.store.report_figures import Health, MonthReport

# In the order in which they matter to a reader.
_OPEN = ("quarantined", "reports_behind", "unconfirmed", "files_pending", "files_rejected")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one client. The tables of `right` follow those of `left`; on paper they stand beside them.

    `period` is empty for a month that is over. `is_fine`: the data is fresh and complete, as `state` says in words.
    """

    language: Language
    title: str
    client: str
    month: str
    period: str
    is_fine: bool
    state: str
    notes: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    left: tuple[Table, ...] = ()
    right: tuple[Table, ...] = ()


def page_of(report: MonthReport, language: Language) -> Page:
    """Write the page of a report."""
    words = Wording(language)
    health, is_filled = report.health, report.totals is not None
    return Page(
        language,
        words("title"),
        shortened(printable(report.client), _LONGEST_NAME),
        words.month(report.month),
        words("until_today", day=words.day(report.today)) if report.state == "current" else "",
        health is not None and health.is_fresh and health.is_whole,
        _state(health, words),
        tuple(_notes(report, words)),
        key_figures(report, words),
        tables_of_applicants(report, words) if is_filled else (),
        tables_of_jobs(report, words) if is_filled else (),
    )


def _state(health: Health | None, words: Wording) -> str:
    """Say whether the data is fresh and complete, and what is open otherwise. Empty if there is no data."""
    if health is None:
        return ""
    if health.last_ok_local is None:
        sentences = [words("never_ok")]
    else:
        key = "fresh" if health.is_fresh else "stale"
        sentences = [words(key, moment=words.moment(health.last_ok_local))]
    open_work = [words(f"open_{name}", n=count) for name in _OPEN if (count := getattr(health, name))]
    if open_work:
        sentences.append(words("not_whole", what="; ".join(open_work)))
    elif health.is_whole:
        sentences.append(words("whole"))
    return " ".join(sentences)


def _notes(report: MonthReport, words: Wording) -> Iterable[str]:
    """Say what a reader must know to read the figures rightly."""
    first, last_year = report.first_application, words.month(report.last_year)
    if report.totals is None:
        if report.state != "before_first_application":
            yield words(report.state)
        elif first is None:
            yield words("no_application_yet")
        else:
            yield words("before_first_application", day=words.day(first))
        return
    if not report.totals.applications:
        yield words("none_until_today" if report.state == "current" else "none_this_month")
    if report.totals_last_year is None:
        yield words("no_last_year", month=last_year)
        return
    if report.state == "current":
        yield words("not_over", month=last_year)
    if first is not None and first > report.last_year:
        yield words("last_year_from", day=words.day(first), month=last_year)
