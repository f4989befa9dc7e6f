"""`syncd report month`: its figures are those of the applications themselves, in every form, for a reader of reports alone."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from syncd.deadline import Deadline
from syncd.embedded import EmbeddedPostgres
from syncd.store.database import Database
from syncd.store.report_figures import Compared, MonthReport
from syncd.store.report_month import VIEWS
from syncd.store.report_views import require_views
from tests.integration.report_figures import Ledger, job, shown, steps
from tests.integration.report_ledger import ZONES
from tests.integration.report_scene import FORMULA, Scene, scene
from tests.starter import CLEAN, run

# Months with a change of the year or the clocks, whose last year's months the ledger covers wholly, partly and not at all.
MONTHS = (date(2026, 3, 1), date(2025, 12, 1), date(2026, 10, 1), date(2025, 11, 1), date(2025, 3, 1))


def test_a_month_has_the_figures_that_the_ledger_gives_in_every_form(
    database_url: str, shared_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with scene(database_url, shared_postgres, tmp_path, 400) as here:
        for month in MONTHS:
            for client_id in ZONES:
                check_figures(here.ledger, here.read(client_id, month))
        check_head_and_idle(here)
        check_freshness(here)
        check_states(here)
        check_output(here)
        check_files(here)
        check_refusals(here)
        check_snapshot(here)


def check_figures(ledger: Ledger, report: MonthReport) -> None:
    mine = [entry for entry in ledger.entries if entry.client_id == report.client_id]
    months = (report.month, report.last_year)
    both = [[entry for entry in mine if entry.month == month] for month in months]
    assert report.state == "past"
    assert report.first_application == min(entry.day for entry in mine)
    for totals, theirs in zip((report.totals, report.totals_last_year), both, strict=True):
        if totals is None:
            assert not theirs
            assert report.last_year < report.first_application.replace(day=1)
            continue
        found = (
            totals.applications,
            totals.applications_person_known,
            totals.repeat_applications,
            totals.median_days_since_previous,
        )
        repeats = ledger.repeats(theirs)
        assert found == (repeats[0], repeats[1], repeats[3], repeats[4])
        assert totals.applications_with_cv == ledger.counts(theirs)[1]
        assert (totals.questions, totals.answers) == steps(theirs)
        assert totals.jobs == len({job(entry) for entry in theirs} - {"(none)", "(personal)"})
        # A file is there if its application has a CV; images are not on disk.
        assert totals.files == sum((entry.cv is not None) + entry.image for entry in theirs)
    has_last_year = report.totals_last_year is not None

    def expected(by: Any) -> dict[object, tuple[object, ...]]:
        figures: dict[object, tuple[object, ...]] = {}
        for key in {by(entry) for theirs in both for entry in theirs}:
            now, before = (ledger.counts([e for e in theirs if by(e) == key])[:2] for theirs in both)
            figures[key] = (*now, *(before if has_last_year else (None, None)))
        return figures

    assert counts(report.sources, "source") == expected(lambda e: (shown(e.source).lower(),))
    assert counts(report.campaigns, "campaign", "content") == expected(
        lambda e: (shown(e.campaign), shown(e.content))
    )
    assert counts(report.jobs, "job_reference") == expected(lambda e: (job(e),))
    assert counts(report.templates, "template_key") == expected(lambda e: (e.template or "(standard)",))
    weeks = {week.week: (week.applications, week.applications_last_year) for week in report.weeks}
    assert len(weeks) == 13 or min(weeks) <= min(entry.week for entry in mine)
    for week, (now, before) in weeks.items():
        assert now == sum(entry.week == week for entry in mine)
        year_before = week - timedelta(weeks=52)
        is_known = year_before >= min(entry.week for entry in mine)
        assert before == (sum(entry.week == year_before for entry in mine) if is_known else None)
    last_day = (report.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    assert max(weeks) <= last_day < max(weeks) + timedelta(days=7)


def counts(lines: Sequence[Compared], *names: str) -> dict[object, tuple[object, ...]]:
    found: dict[object, tuple[object, ...]] = {
        tuple(getattr(line, name) for name in names): (
            line.applications,
            line.applications_with_cv,
            line.applications_last_year,
            line.applications_with_cv_last_year,
        )
        for line in lines
    }
    assert len(found) == len(lines)
    assert [line.applications for line in lines] == sorted((x.applications for x in lines), reverse=True)
    return found


def check_head_and_idle(here: Scene) -> None:
    """What is open in the data, and what has brought nobody by the end of the month."""
    report = here.read("acme", date(2026, 10, 1))
    unconfirmed = sum(not entry.confirmed for entry in here.ledger.entries if entry.client_id == "acme")
    assert report.client == 'Klinik; am "Park"'
    assert report.health is not None
    assert (report.health.is_fresh, report.health.is_whole) == (True, False)
    assert report.health.unconfirmed == unconfirmed > 0
    assert [each.job_reference for each in report.jobs_without_application] == ["idle"]
    assert [each.utm_source for each in report.links_without_application] == ["plakat"]
    unknown = {each.job_reference for each in report.jobs if each.is_unknown}
    assert {"J-1", "J-2"} <= unknown
    assert not unknown & {"00123", "(none)", "(personal)"}


def check_freshness(here: Scene) -> None:
    """The last good cycle may be as old as the schedule's longest gap and 15 minutes; a client without one has no gap."""
    change = "UPDATE ats.client SET cycle_gap_seconds = %s WHERE client_id = 'beta'"
    age = "UPDATE ops.client_state SET last_good_at = now() - make_interval(mins => %s) WHERE client_id = 'beta'"
    for gap, minutes, is_fresh in (
        (None, 14, True),
        (None, 16, False),
        (60, 17, False),
        (33 * 3600, 33 * 60 + 14, True),
        (33 * 3600, 33 * 60 + 16, False),
    ):
        here.admin.execute(change, [gap])
        here.admin.execute(age, [minutes])
        health = here.read("beta", date(2026, 10, 1)).health
        assert health is not None
        assert (health.is_fresh, gap, minutes) == (is_fresh, gap, minutes)
        said = here.printed("2026-10", "--client", "beta", "--language", "en")
        assert ("The data is fresh:" in said, "The data is not fresh:" in said) == (is_fresh, not is_fresh)
    here.admin.execute(change, [None])
    here.admin.execute(age, [0])


def check_states(here: Scene) -> None:
    """Today is a day in the client's zone, and a month says where it lies."""
    for client_id, zone in ZONES.items():
        (today,) = here.admin.execute("SELECT (now() AT TIME ZONE %s)::date", (zone,)).fetchone() or ()
        this_month = today.replace(day=1)
        current = here.read(client_id, this_month)
        assert (current.state, current.today, current.until) == ("current", today, today)
        assert here.read(client_id, (this_month + timedelta(days=31)).replace(day=1)).state == "future"
        assert here.read(client_id, date(2024, 9, 1)).state == "before_first_application"
    assert here.read("empty", date(2026, 10, 1)).state == "before_first_application"
    assert here.read("nobody", date(2026, 10, 1)).state == "never_synced"
    today = here.read("acme", date(2026, 10, 1)).today
    for arguments, said in (
        (["2024-09", "--client", "acme"], "Aus diesem Monat gibt es keine Daten. Die erste Bewerbung kam am"),
        (["2024-09", "--client", "empty"], "Es sind noch keine Bewerbungen eingegangen."),
        (["2099-01", "--client", "acme", "--language", "en"], "This month has not begun yet."),
        ([f"{today:%Y-%m}", "--client", "acme", "--language", "en"], "(until today, "),
        (["2025-03", "--client", "acme", "--language", "en"], "There are no figures for March 2024."),
    ):
        assert said in here.printed(*arguments)


def check_output(here: Scene) -> None:
    """JSON, CSV and text have the figures of the views."""
    report = here.read("acme", date(2026, 10, 1))
    assert report.totals is not None
    made = json.loads(here.printed("2026-10", "--json"))
    assert (made["month"], made["last_year"], made["contract"]) == ("2026-10", "2025-10", "1.1")
    assert [client["client_id"] for client in made["clients"]] == sorted([*ZONES, "empty"])
    (acme,) = json.loads(here.printed("2026-10", "--json", "--client", "acme"))["clients"]
    assert acme["totals"]["applications"] == report.totals.applications
    assert acme["first_application"] == str(report.first_application)
    assert len(acme["sources"]) == len(report.sources)
    assert set(acme) == documented_keys()
    page = here.printed("2026-10")
    assert [
        page.count(f"\n{client_id}: ") + page.startswith(f"{client_id}: ")
        for client_id in ZONES
        if client_id != "acme"
    ] == [1, 1, 1]
    assert f"{report.totals.applications}" in page
    assert here.printed("2026-10", "--client", "acme", "--csv", "table.csv") == "table.csv written\n"
    table = (here.folder / "table.csv").read_bytes()
    assert here.printed("2026-10", "--client", "acme", "--csv").encode() == table
    check_csv(table, report)


def check_csv(table: bytes, report: MonthReport) -> None:
    """German Excel opens it: UTF-8 with its mark, semicolons, CRLF, decimal commas, and no cell that is a formula."""
    assert report.totals is not None
    assert table.startswith(b"\xef\xbb\xbfMandant;Monat;Bereich;")
    content = table.decode("utf-8-sig")
    assert content.count("\n") == content.count("\r\n") > 40
    title, *rows = csv.reader(io.StringIO(content), delimiter=";")
    assert {len(row) for row in rows} == {len(title)} == {8}
    figures = {tuple(row[2:6]): row[6:] for row in rows}
    assert len(figures) == len(rows)
    share = f"{100 * report.totals.applications_with_cv / report.totals.applications:.1f}".replace(".", ",")
    assert figures["Überblick", "", "", "mit Lebenslauf in %"][0] == share
    assert figures["Überblick", "", "", "Bewerbungen"][0] == str(report.totals.applications)
    assert {row[0] for row in rows} == {'Klinik; am "Park"'}
    assert {row[1] for row in rows} == {"01.10.2026"}
    assert f"'{FORMULA}" in {row[4] for row in rows}
    assert not [cell for row in rows for cell in row[:6] if cell.startswith(("=", "+", "-", "@"))]


def check_files(here: Scene) -> None:
    """Files are written over older ones. What cannot be written is named before anything is read."""
    for name in ("a.html", "a.pdf"):
        (here.folder / name).write_text("old")
    assert here.printed("2026-10", "--html", "a.html", "--pdf", "a.pdf") == "a.html written\na.pdf written\n"
    assert (here.folder / "a.html").read_text().count("<article>") == len(ZONES) + 1
    assert (here.folder / "a.pdf").read_bytes().startswith(b"%PDF")
    for arguments, said in (
        (["--html", "a.txt"], "--html: the file name must end in .html"),
        (["--pdf", "-"], "--pdf: the file name must end in .pdf"),
        (["--html", "nowhere/a.html"], "the folder nowhere does not exist"),
        (["--csv", "--json"], "--json and --csv cannot both be printed"),
    ):
        result = here.run("2026-10", *arguments)
        assert (result.returncode, said in result.stderr) == (2, True), result.stderr
    (here.folder / "dir.html").mkdir()
    assert here.run("2026-10", "--html", "dir.html").returncode == 2


def check_refusals(here: Scene) -> None:
    """Wrong months and clients, a role that may not read, and a database without the views or with others."""
    for month in ("2026-13", "2026", "october", "2026-1", "26-10"):
        result = here.run(month)
        assert (result.returncode, "is not a month. Write it like 2026-10" in result.stderr) == (2, True)
    result = here.run("2026-10", "--client", "acne")
    assert (result.returncode, "Did you mean 'acme'?" in result.stderr) == (2, True)
    ben = {"SYNCD_DATABASE__URL": here.url.replace("anna:x@", "ben:x@")}
    result = run(["report", "month", "2026-10"], env=CLEAN | ben, cwd=here.folder)
    assert (result.returncode, "the role may not read views report.answer_distribution" in result.stderr) == (
        1,
        True,
    )
    with psycopg.connect(here.admin.info.dsn, password=here.admin.info.password, autocommit=True) as admin:
        admin.execute("ALTER VIEW report.daily RENAME TO daily_x")
        result = here.run("2026-10")
        admin.execute("ALTER VIEW report.daily_x RENAME TO daily")
    assert (result.returncode, "no view report.daily. Run `syncd db upgrade`" in result.stderr) == (4, True)


def check_snapshot(here: Scene) -> None:
    """All statements of a transaction see the same state, and none may write."""

    def look(connection: Connection) -> tuple[Any, Any]:
        assert require_views(connection, VIEWS) == "1.1"
        count = text("SELECT count(*) FROM report.sync_health")
        before = connection.scalar(count)
        here.admin.execute("INSERT INTO ats.client (client_id) VALUES ('new')")
        return before, connection.scalar(count)

    before, after = here.database.transact(look, Deadline(60))
    assert before == after == len(ZONES) + 1
    admin_url = here.url.replace("anna:x@", f"postgres:{here.admin.info.password}@")
    with Database(admin_url, snapshot=True) as database, pytest.raises(Exception, match="25006"):
        database.transact(lambda c: c.execute(text("DELETE FROM ats.client")), Deadline(5), patience=0)


def documented_keys() -> set[str]:
    """The keys of a client in the table of docs/reports.md."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text()
    table = page.partition("| key of a client |")[2].partition("\n\n")[0]
    return {key for line in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", line.split("|")[1])}
