"""The pages of a month as people see them: in a browser, on a phone, on paper; whatever texts of others they show."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe

from syncd.publishing.languages import Language
from syncd.reporting.as_html import as_html
from syncd.reporting.as_json import as_json
from syncd.reporting.as_pdf import as_pdf
from syncd.reporting.as_text import as_text
from syncd.reporting.page import page_of
from syncd.store.report_figures import (
    AnswerShare,
    Campaign,
    Health,
    IdleJob,
    IdleLink,
    Job,
    MonthReport,
    Source,
    Template,
    Totals,
    Week,
)
from tests import hostile
from tests.browser import PageServer, Served, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

A4 = (595, 842)  # points


def invented(texts: list[str], *, fine: bool = True) -> MonthReport:
    """A month whose names of sources, jobs, campaigns and so on are these texts, one row for each."""
    month = date(2026, 10, 1)
    numbers = [
        {
            "applications": 1_312 - number,
            "applications_with_cv": 700,
            "applications_last_year": 1_000,
            "applications_with_cv_last_year": 400,
        }
        for number in range(len(texts))
    ]
    both = list(zip(texts, numbers, strict=True))
    return MonthReport(
        "acme",
        texts[0],
        month,
        "past",
        date(2026, 11, 30),
        date(2026, 10, 31),
        date(2025, 8, 19),
        Health(datetime.fromisoformat("2026-11-30T14:05"), 3, 0, 0 if fine else 2, 0, 0, 0, True, fine),
        Totals(1_312, 765, 1_290, 98, 34, 23, 9_000, 8_650, 940, 3, 2),
        Totals(1_100, 640, 1_080, 101, 40, 20, 7_000, 6_500, 800, 0, 0),
        tuple(
            Week(date(2026, 8, 3) + timedelta(weeks=n), 20 + n, 10 + n, is_current=False) for n in range(13)
        ),
        tuple(Source(source=name, **counts) for name, counts in both),
        tuple(Campaign(campaign=name, content=name, **counts) for name, counts in both),
        tuple(Job(job_reference=name, title=name, is_unknown=True, **counts) for name, counts in both),
        tuple(Template(template_key="x", template=name, questions=9, answers=8, **c) for name, c in both),
        tuple(AnswerShare(name, name, 700, 1_200, 650, 1_000) for name in texts),
        tuple(IdleLink(name, name, name, name, name, name, 1, date(2026, 9, 1)) for name in texts),
        tuple(IdleJob(name, name, date(2026, 6, 1), 152, has_link=True) for name in texts),
    )


ORDINARY = [f"Pflegefachkraft (m/w/d) {number}" for number in range(12)]
SAID: dict[Language, list[str]] = {
    "de": [
        "Oktober 2026",
        "1.312",
        "58 %",
        "+0,1 Pp.",
        "+212 (+19 %)",
        "Bewerbungen je Woche",
        "und 4 weitere Zeilen",
    ],
    "en": [
        "October 2026",
        "1,312",
        "58%",
        "+0.1 pp",
        "+212 (+19%)",
        "Applications by week",
        "and 4 more rows",
    ],
}


def test_the_page_is_accessible_in_both_languages_on_a_phone_and_with_hostile_texts(browser: Browser) -> None:
    texts = [*hostile.TEXTS.values(), "W" * 300]
    pages = {f"/{language}": Served(as_html([invented(ORDINARY)], language)) for language in SAID}
    # Without its policy: it is the escaping that holds.
    pages["/hostile"] = Served(as_html([invented(texts, fine=False)], "de").replace("http-equiv", "name"))
    assert "http-equiv" in str(pages["/de"].body)
    with PageServer(pages) as server:
        for path in pages:
            with visit(browser, server.url + path, viewport={"width": 360, "height": 700}) as visited:
                page = visited.page
                assert (visited.complaints, visited.dialogs) == ([], [])
                requests = [url for url in visited.requests if not url.startswith("data:")]
                assert requests == [server.url + path]
                assert page.evaluate("document.documentElement.scrollWidth") <= 360
                drawn = page.evaluate("Array.from(document.images, e => e.complete && e.naturalWidth > 0)")
                assert drawn == [True, True]
                names: Any = page.evaluate(
                    "Array.from(new Set(Array.from(document.querySelectorAll('*'), e => e.localName)))"
                )
                assert not {"script", "iframe", "link", "svg"} & set(names)
                if path == "/hostile":
                    assert "<script>alert(1)</script>" in page.locator("main").inner_text()
                    continue
                assert Axe().run(page).response["violations"] == []
                language: Language = "de" if path == "/de" else "en"
                seen = page.locator("main").inner_text().replace("\u00a0", " ")
                assert [said for said in SAID[language] if said not in seen] == []
                papers = list(pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True)))
                assert {tuple(map(round, paper.get_size())) for paper in papers} == {A4}
                assert len(papers) <= 2


@pytest.mark.parametrize("language", SAID)
def test_the_pdf_says_the_same_on_one_accessible_page_and_is_the_same_each_time(language: Language) -> None:
    pdf = as_pdf([invented(ORDINARY)], language)
    assert pdf == as_pdf([invented(ORDINARY)], language)
    assert b"pdfuaid:part" in pdf
    assert f"/Lang({language})".encode() in pdf
    (page,) = pypdfium2.PdfDocument(pdf)
    assert tuple(map(round, page.get_size())) == A4
    seen = " ".join(page.get_textpage().get_text_range().split()).replace("\u00a0", " ")
    assert [said for said in SAID[language] if said not in seen] == []


def test_the_pdf_of_long_and_hostile_texts_has_two_pages_at_most_and_does_nothing() -> None:
    texts = [f"{number} {'Mitarbeiterin für äußere Angelegenheiten ' * 9}" for number in range(12)]
    assert len(pypdfium2.PdfDocument(as_pdf([invented(texts)], "de"))) <= 2
    pdf = as_pdf([invented([*hostile.TEXTS.values()])], "de")
    document = pypdfium2.PdfDocument(pdf)
    seen = "".join(page.get_textpage().get_text_range() for page in document)
    assert "<script>alert(1)</script>" in seen.replace("\u200b", "").replace("\ufffe", "")
    assert not any(action in pdf for action in (b"/JavaScript", b"/OpenAction", b"/Launch", b"/URI"))


def test_each_client_has_a_page_and_a_month_without_figures_says_why() -> None:
    future = MonthReport(
        "b", "Beta", date(2026, 10, 1), "future", date(2026, 9, 1), date(2026, 9, 1), None, None
    )
    assert len(pypdfium2.PdfDocument(as_pdf([invented(ORDINARY), future], "en"))) == 2
    html = as_html([invented(ORDINARY), future], "en")
    assert html.count("<article>") == html.count("<h1>") == 2
    assert "This month has not begun yet." in html
    assert as_text(page_of(future, "de")).splitlines()[1:] == ["Dieser Monat hat noch nicht begonnen."]
    assert [client["totals"] for client in json.loads(as_json([future], future.month, "1.0"))["clients"]] == [
        None
    ]


def test_what_is_open_in_the_data_is_said_and_a_month_that_is_not_over_has_no_differences() -> None:
    report = invented(ORDINARY, fine=False)
    said = page_of(report, "de")
    assert (
        said.is_fine,
        said.state.endswith("Noch offen: 2 unlesbare Profile, die in den Zahlen fehlen."),
    ) == (
        False,
        True,
    )
    current = replace(report, state="current", today=date(2026, 10, 15), until=date(2026, 10, 15))
    page = page_of(current, "en")
    assert page.period == "until today, 15\u00a0October 2026"
    assert page.notes[0].startswith("The month is not over. Beside it stands the whole of October 2025")
    assert not any(figure.difference for figure in page.figures)
    assert [figure.last_year for figure in page.figures][:2] == ["Last year 1,100", "Last year 58%"]
    assert "Diff." not in page.left[0].columns
    alone = replace(report, totals_last_year=None)
    assert page_of(alone, "en").notes == ("There are no figures for October 2025.",)
