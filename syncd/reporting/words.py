"""Says what a report says, and writes numbers and dates, as German and English do. The texts are in `texts.py`."""

from dataclasses import dataclass
from datetime import date, datetime

from syncd.publishing.languages import Language
from syncd.reporting.texts import TEXTS


@dataclass(frozen=True, slots=True)
class Wording:
    """Says things in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of this key, with `values` in its places. Integers are written as in `number`.

        Of two texts, the first one is for `n=1`.
        """
        one, _, many = TEXTS[self.language][key].partition("|")
        shown = {name: self.number(v) if isinstance(v, int) else v for name, v in values.items()}
        return (many if many and values.get("n") != 1 else one).format(**shown)

    def titled(self, key: str) -> str:
        """Return the text of this key with a capital letter, as labels and heads of columns begin."""
        text = self(key)
        return text[:1].upper() + text[1:]

    def value(self, shown: str) -> str:
        """Return a value of the views, or words for what stands in place of one, such as `(none)`."""
        return TEXTS[self.language][shown] if shown.startswith("(") and shown in _PLACEHOLDERS else shown

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
