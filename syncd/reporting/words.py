"""Everything that a report says, in German and English, and how the two languages write numbers and dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from syncd.publishing.languages import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "de": {
        "title": "Bewerbungen per WhatsApp",
        "until_today": "bis heute, {day}",
        "as_of": "Stand: {day}",
        # Whether the data is fresh and complete.
        "fresh": "Die Daten sind aktuell: letzter Abgleich {moment}.",
        "stale": "Die Daten sind nicht aktuell: letzter erfolgreicher Abgleich {moment}.",
        "never_ok": "Noch kein Abgleich ist gelungen.",
        "whole": "Sie sind vollständig.",
        "not_whole": "Noch offen: {what}.",
        "open_quarantined": "1 unlesbares Profil, das in den Zahlen fehlt|{n} unlesbare Profile, die in den Zahlen fehlen",
        "open_reports_behind": "1 Bewerbung, deren neuester Stand noch fehlt|{n} Bewerbungen, deren neuester Stand noch fehlt",
        "open_unconfirmed": "1 Bewerbung ohne Bestätigung an PitchYou|{n} Bewerbungen ohne Bestätigung an PitchYou",
        "open_files_pending": "1 Datei, die noch geladen wird|{n} Dateien, die noch geladen werden",
        "open_files_rejected": "1 zu große Datei|{n} zu große Dateien",
        # What a page says if there is little to say.
        "never_synced": "Zu diesem Mandanten gibt es noch keine Daten.",
        "future": "Dieser Monat hat noch nicht begonnen.",
        "no_application_yet": "Es sind noch keine Bewerbungen eingegangen.",
        "before_first_application": "Aus diesem Monat gibt es keine Daten. Die erste Bewerbung kam am {day}.",
        "none_this_month": "In diesem Monat ist keine Bewerbung eingegangen.",
        "none_until_today": "In diesem Monat ist bis heute keine Bewerbung eingegangen.",
        # How it compares.
        "no_last_year": "Zahlen für {month} gibt es nicht.",
        "last_year_from": "Die Daten beginnen am {day}; {month} ist deshalb unvollständig.",
        "not_over": "Der Monat ist noch nicht vorbei. Daneben steht der ganze {month}, deshalb ohne Differenz.",
        "last_year": "Vorjahr",
        "count": "Anzahl",
        "cv_column": "mit CV",
        "points": "{n}\u00a0Pp.",
        # Key figures.
        "applications": "Bewerbungen",
        "with_cv": "mit Lebenslauf",
        "without_cv": "ohne Lebenslauf",
        "repeats": "erneute Bewerbungen",
        "median_days": "im Median nach 1 Tag|im Median nach {n} Tagen",
        "jobs_applied_for": "Stellen mit Bewerbungen",
        "answered": "beantwortete Fragen",
        "files": "Dateien",
        "files_missing": "fehlende Dateien",
        "of": "{n} von {base}",
        # Charts.
        "weekly": "Bewerbungen je Woche",
        "sources_chart": "Quellen: mit und ohne Lebenslauf",
        "year_before": "ein Jahr zuvor",
        "week": "KW {n}",
        "week_alt": "{week}: {n}",
        "week_alt_last_year": "{week}: {n} (Vorjahr {before})",
        "source_alt": "{source}: {n}, davon {cv} mit Lebenslauf",
        # Tables.
        "sources": "Quellen",
        "source": "Quelle",
        "campaigns": "Kampagnen",
        "campaign": "Kampagne",
        "content": "Inhalt",
        "jobs": "Stellen",
        "job": "Stelle",
        "reference": "Referenz",
        "templates": "Interviews",
        "template": "Interview",
        "answers": "Antworten auf geschlossene Fragen",
        "question": "Frage",
        "answer": "Antwort",
        "unknown": "Referenzen, die nicht in der Stellenliste stehen",
        "idle_links": "Bewerbungslinks ohne Bewerbung",
        "link": "Wo veröffentlicht",
        "since": "seit",
        "idle_jobs": "Offene Stellen ohne Bewerbung",
        "days_open": "Tage offen",
        "has_link": "Link",
        "answered_by": "beantwortet",
        "yes": "ja",
        "no": "nein",
        "more_answers": "und {n} weitere",
        "more": "und 1 weitere Zeile|und {n} weitere Zeilen",
        "nothing": "keine",
        "difference": "Diff.",
        # What the views show in place of a value.
        "(none)": "ohne Angabe",
        "(personal)": "persönliche Angabe",
        "(erased)": "gelöschte Angabe",
        "(standard)": "Standardinterview",
        "(other)": "andere",
        # Columns of the CSV file, and figures that only it has.
        "footer": "Ein Tag ist ein Tag in der Zeitzone des Mandanten. Antworten, die weniger als fünf Bewerber gegeben "
        "haben, stehen unter „andere“.",
        "csv_client": "Mandant",
        "csv_month": "Monat",
        "csv_area": "Bereich",
        "csv_item": "Bezeichnung",
        "csv_detail": "Einzelheit",
        "csv_figure": "Kennzahl",
        "csv_value": "Wert",
        "overview": "Überblick",
        "data": "Datenstand",
        "state": "Stand",
        "is_fresh": "aktuell",
        "is_whole": "vollständig",
        "quarantined": "unlesbare Profile",
        "unconfirmed": "Bewerbungen ohne Bestätigung an PitchYou",
        "files_pending": "Dateien, die noch geladen werden",
        "files_rejected": "zu große Dateien",
        "reports_behind": "Bewerbungen, deren neuester Stand noch fehlt",
        "applications_person_known": "Bewerbungen mit bekannter Person",
        "median_days_since_previous": "Tage seit der vorigen Bewerbung (Median)",
        "questions": "Fragen",
        "files_missing_applications": "Bewerbungen mit fehlenden Dateien",
        "links_issued": "Links",
        "cv_share": "mit Lebenslauf in %",
        "share_in_percent": "Anteil in %",
        "months": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    },
    "en": {
        "title": "Applications by WhatsApp",
        "until_today": "until today, {day}",
        "as_of": "as of {day}",
        "fresh": "The data is fresh: last sync {moment}.",
        "stale": "The data is not fresh: last successful sync {moment}.",
        "never_ok": "No sync has succeeded yet.",
        "whole": "It is complete.",
        "not_whole": "Still open: {what}.",
        "open_quarantined": "1 unreadable profile, which the figures lack|{n} unreadable profiles, which the figures lack",
        "open_reports_behind": "1 application whose newest state is missing|{n} applications whose newest state is missing",
        "open_unconfirmed": "1 application not confirmed to PitchYou|{n} applications not confirmed to PitchYou",
        "open_files_pending": "1 file still to be downloaded|{n} files still to be downloaded",
        "open_files_rejected": "1 file that is too large|{n} files that are too large",
        "never_synced": "There is no data for this client yet.",
        "future": "This month has not begun yet.",
        "no_application_yet": "No applications have come yet.",
        "before_first_application": "There is no data for this month. The first application came on {day}.",
        "none_this_month": "No applications came in this month.",
        "none_until_today": "No applications have come in this month until today.",
        "no_last_year": "There are no figures for {month}.",
        "last_year_from": "The data begins on {day}, so {month} is incomplete.",
        "not_over": "The month is not over. Beside it stands the whole of {month}, so there are no differences.",
        "last_year": "last year",
        "count": "number",
        "cv_column": "with CV",
        "points": "{n}\u00a0pp",
        "applications": "applications",
        "with_cv": "with CV",
        "without_cv": "without CV",
        "repeats": "repeat applications",
        "median_days": "after 1 day in the median|after {n} days in the median",
        "jobs_applied_for": "jobs with applications",
        "answered": "questions answered",
        "files": "files",
        "files_missing": "files missing",
        "of": "{n} of {base}",
        "weekly": "Applications by week",
        "sources_chart": "Sources: with and without CV",
        "year_before": "a year before",
        "week": "W{n}",
        "week_alt": "{week}: {n}",
        "week_alt_last_year": "{week}: {n} (last year {before})",
        "source_alt": "{source}: {n}, {cv} of them with CV",
        "sources": "Sources",
        "source": "Source",
        "campaigns": "Campaigns",
        "campaign": "Campaign",
        "content": "Content",
        "jobs": "Jobs",
        "job": "Job",
        "reference": "Reference",
        "templates": "Interviews",
        "template": "Interview",
        "answers": "Answers to closed questions",
        "question": "Question",
        "answer": "Answer",
        "unknown": "References that are not in the list of jobs",
        "idle_links": "Apply links without an application",
        "link": "Where published",
        "since": "since",
        "idle_jobs": "Open jobs without an application",
        "days_open": "Days open",
        "has_link": "Link",
        "answered_by": "answered",
        "yes": "yes",
        "no": "no",
        "more_answers": "and {n} more",
        "more": "and 1 more row|and {n} more rows",
        "nothing": "none",
        "difference": "Diff.",
        "(none)": "not given",
        "(personal)": "personal value",
        "(erased)": "erased value",
        "(standard)": "standard interview",
        "(other)": "other",
        "footer": "A day is a day in the client's time zone. Answers that fewer than five applicants gave are in “other”.",
        "csv_client": "Client",
        "csv_month": "Month",
        "csv_area": "Area",
        "csv_item": "Name",
        "csv_detail": "Detail",
        "csv_figure": "Figure",
        "csv_value": "Value",
        "overview": "Overview",
        "data": "State of the data",
        "state": "state",
        "is_fresh": "fresh",
        "is_whole": "complete",
        "quarantined": "unreadable profiles",
        "unconfirmed": "applications not confirmed to PitchYou",
        "files_pending": "files still to be downloaded",
        "files_rejected": "files that are too large",
        "reports_behind": "applications whose newest state is missing",
        "applications_person_known": "applications of a known person",
        "median_days_since_previous": "days since the previous application (median)",
        "questions": "questions",
        "files_missing_applications": "applications with files missing",
        "links_issued": "links",
        "cv_share": "with CV in %",
        "share_in_percent": "share in %",
        "months": "January February March April May June July August September October November December",
    },
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Says things in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of this key, with `values` in its places. Integers are written as in `number`.

        Of two texts, the first one is for `n=1`.
        """
        one, _, many = WORDS[self.language][key].partition("|")
        shown = {name: self.number(v) if isinstance(v, int) else v for name, v in values.items()}
        return (many if many and values.get("n") != 1 else one).format(**shown)

    def titled(self, key: str) -> str:
        """Return the text of this key with a capital letter, as labels and heads of columns begin."""
        text = self(key)
        return text[:1].upper() + text[1:]

    def value(self, shown: str) -> str:
        """Return a value of the views, or words for what stands in place of one, such as `(none)`."""
        return WORDS[self.language][shown] if shown.startswith("(") and shown in _PLACEHOLDERS else shown

    def number(self, number: int) -> str:
        """Write a whole number with its thousands apart: 1.234 or 1,234."""
        return self._local(f"{number:,}")

    def signed(self, number: int) -> str:
        """Write a difference with its sign, ±0 included."""
        return _sign(number) + self.number(abs(number))

    def percent(self, part: int, base: int, *, places: int = 0) -> str:
        """Write a share as 41 % or 41%; a dash without a base."""
        return self._percent(f"{100 * part / base:.{places}f}") if base else "–"

    def points(self, difference: float) -> str:
        """Write a difference of two shares in percentage points."""
        rounded = round(difference, 1)
        return self("points", n=_sign(rounded) + self._local(f"{abs(rounded):.1f}"))

    def growth(self, now: int, before: int) -> str:
        """Write a change as a share of what was before, or nothing if that was zero or nothing has changed."""
        if not before or now == before:
            return ""
        change = round(100 * (now - before) / before)
        return _sign(change) + self._percent(str(abs(change)))

    def decimal(self, number: float) -> str:
        """Write a number for a cell of a spreadsheet: with one decimal and nothing between thousands."""
        return f"{number:.1f}".replace(".", "," if self.language == "de" else ".")

    def cell_day(self, day: date) -> str:
        """Write a day for a cell of a spreadsheet, which takes it for a date."""
        return f"{day:%d.%m.%Y}" if self.language == "de" else f"{day:%Y-%m-%d}"

    def month(self, day: date) -> str:
        """Write the month of a day: Oktober 2026."""
        return f"{self._name_of(day)} {day.year}"

    def day(self, day: date) -> str:
        """Write a day: 31.10.2026 or 31 October 2026."""
        return (
            f"{day:%d.%m.%Y}" if self.language == "de" else f"{day.day}\u00a0{self._name_of(day)} {day.year}"
        )

    def short_day(self, day: date) -> str:
        """Write a day where there is little room: 31.10.2026 or 31 Oct 2026."""
        return self.day(day) if self.language == "de" else f"{day.day} {self._name_of(day)[:3]} {day.year}"

    def moment(self, moment: datetime) -> str:
        """Write a local time: 31.10.2026, 14:05 Uhr."""
        return f"{self.day(moment.date())}, {moment:%H:%M}" + ("\u00a0Uhr" if self.language == "de" else "")

    def _name_of(self, day: date) -> str:
        return self("months").split()[day.month - 1]

    def _local(self, number: str) -> str:
        return number.translate(_GERMAN) if self.language == "de" else number

    def _percent(self, number: str) -> str:
        return self._local(number) + ("\u00a0%" if self.language == "de" else "%")


_PLACEHOLDERS = ("(none)", "(personal)", "(erased)", "(standard)", "(other)")
_GERMAN = str.maketrans({",": ".", ".": ","})


def _sign(number: float) -> str:
    return "+" if number > 0 else "−" if number < 0 else "±"
