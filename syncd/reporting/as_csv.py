"""Writes reports as one table that German Excel opens by double-click: one figure a line, so that a pivot table can sum it."""

import csv
import io
from collections.abc import Iterable, Sequence

from syncd.publishing.languages import Language
from syncd.reporting.words import Wording
from syncd.shown import cell
from syncd.store.report_figures import Compared, Health, MonthReport, Totals

Line = tuple[str, str, str, str, object, object]
"""Area, name, detail, figure, value, and last year's value."""

_STATE = (
    "is_fresh",
    "is_whole",
    "quarantined",
    "reports_behind",
    "unconfirmed",
    "files_pending",
    "files_rejected",
)


def as_csv(reports: Sequence[MonthReport], language: Language) -> bytes:
    """Write the reports in UTF-8 with a byte order mark, separated by semicolons.

    Decimals are written as the language does. No cell is run as a formula. A value is empty if it is unknown.
    """
    words = Wording(language)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    names = ("client", "month", "area", "item", "detail", "figure", "value")
    writer.writerow([*(words(f"csv_{name}") for name in names), words.titled("last_year")])
    for report in reports:
        for *texts, value, before in _lines(report, words):
            cells = map(cell, (report.client, words.cell_day(report.month), *map(str, texts)))
            writer.writerow([*cells, _value(value, words), _value(before, words)])
    return out.getvalue().encode("utf-8-sig")


def _value(value: object, words: Wording) -> str:
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, float):
        return words.decimal(value)
    return "" if value is None else str(value)


def _lines(report: MonthReport, words: Wording) -> Iterable[Line]:
    if report.health is not None:
        yield from _of_state(report.health, words)
    if report.totals is None:
        return
    yield from _of_totals(report.totals, report.totals_last_year, words)
    for week in report.weeks:
        yield (
            words("weekly"), words.cell_day(week.week), "", words("applications"),
            week.applications, week.applications_last_year,
        )  # fmt: skip
    value = words.value
    for source in report.sources:
        yield from _counted("sources", value(source.source), "", source, words)
    for campaign in report.campaigns:
        yield from _counted("campaigns", value(campaign.campaign), value(campaign.content), campaign, words)
    for job in report.jobs:
        yield from _counted("jobs", value(job.job_reference), job.title or "", job, words)
    for template in report.templates:
        name, title = value(template.template_key), template.template or ""
        yield from _counted("templates", name, title, template, words)
        yield words("templates"), name, title, words("answered"), template.answers, None
        yield words("templates"), name, title, words("questions"), template.questions, None
    yield from _of_answers(report, words)
    yield from _idle(report, words)


def _of_state(health: Health, words: Wording) -> Iterable[Line]:
    for name in _STATE:
        yield words("data"), words(name), "", words("state"), getattr(health, name), None


def _of_totals(now: Totals, before: Totals | None, words: Wording) -> Iterable[Line]:
    figures = {
        "applications": "applications",
        "with_cv": "applications_with_cv",
        "applications_person_known": "applications_person_known",
        "repeats": "repeat_applications",
        "median_days_since_previous": "median_days_since_previous",
        "jobs_applied_for": "jobs",
        "questions": "questions",
        "answered": "answers",
        "files": "files",
        "files_missing": "files_missing",
        "files_missing_applications": "applications_with_files_missing",
    }
    for key, field in figures.items():
        yield words("overview"), "", "", words(key), getattr(now, field), getattr(before, field, None)
    share = _share(before.applications_with_cv, before.applications) if before else None
    yield (
        words("overview"),
        "",
        "",
        words("cv_share"),
        _share(now.applications_with_cv, now.applications),
        share,
    )


def _counted(area: str, name: str, detail: str, line: Compared, words: Wording) -> Iterable[Line]:
    yield words(area), name, detail, words("applications"), line.applications, line.applications_last_year
    with_cv = line.applications_with_cv, line.applications_with_cv_last_year
    yield words(area), name, detail, words("with_cv"), *with_cv


def _of_answers(report: MonthReport, words: Wording) -> Iterable[Line]:
    for each in report.answers:
        where = words("answers"), each.question, words.value(each.answer)
        yield *where, words("applications"), each.applications, each.applications_last_year
        yield (
            *where,
            words("share_in_percent"),
            _share(each.applications, each.answered),
            _share(each.applications_last_year, each.answered_last_year),
        )


def _idle(report: MonthReport, words: Wording) -> Iterable[Line]:
    value = words.value
    for job in report.jobs_without_application:
        yield words("idle_jobs"), job.job_reference, job.title or "", words("days_open"), job.days_open, None
    for link in report.links_without_application:
        places = " / ".join(
            map(value, (link.utm_source, link.utm_medium, link.utm_campaign, link.utm_content))
        )
        yield (
            words("idle_links"),
            value(link.job_reference),
            places,
            words("links_issued"),
            link.links_issued,
            None,
        )


def _share(part: int | None, base: int | None) -> float | None:
    return None if part is None or not base else 100 * part / base
