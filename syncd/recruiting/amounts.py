"""Parses amounts of money as German and English spreadsheets write them, and refuses those that mean two things."""

import re
from decimal import Decimal

from syncd.shown import quoted

# The currency of a file that names none.
DEFAULT_CURRENCY = "EUR"
# What `ats.cost.amount` can hold.
MAX_AMOUNT = Decimal("9999999999.99")
_FORMS = "write an amount like 1234.56, 1234,56, 1.234,56 or 1,234.56"
# Blanks and apostrophes of all kinds that group thousands, and the minus sign of a spreadsheet.
_PLAIN = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "’": "'", "−": "-"})
_CURRENCIES = {"€": "EUR", "EURO": "EUR"}
_CODE = re.compile(r"[A-Z]{3}")
_NAMED = re.compile(r"(?:(€|[A-Z]{3}) ?)?([-+]?)(\d[\d.,' ]*?)(-?)(?: ?(€|[A-Z]{3}))?", re.ASCII)
_SIMPLE = re.compile(r"(\d+)(?:[.,](\d+))?", re.ASCII)
_GROUPED = re.compile(
    r"([1-9]\d{0,2}(?P<group>[.,' ])\d{3}(?:(?P=group)\d{3})*)(?:(?!(?P=group))[.,](\d+))?", re.ASCII
)
_DECIMALS = 2
_GROUP = 3


def parse_amount(written: str) -> tuple[Decimal, str | None]:
    """Parse an amount such as `1.234,56`, `1,234.56`, `1234.5`, `-20` or `99,00 €`.

    Returns:
        The amount, and the code of the currency if the text names one.

    Raises:
        ValueError: the sentence says what to write: the text is not an amount, has more than two decimal places, or is
            ambiguous, as 1.234 is.
    """
    named = _NAMED.fullmatch(written.strip().translate(_PLAIN))
    if named is None:
        raise ValueError(f"the amount is {quoted(written)}; {_FORMS}")
    before, sign, digits, sign_after, after = named.groups()
    if (before and after) or (sign and sign_after):
        raise ValueError(f"the amount is {quoted(written)}; {_FORMS}")
    amount = Decimal(_unsigned(digits, written))
    if amount > MAX_AMOUNT:
        raise ValueError(f"the amount {quoted(written)} is above {MAX_AMOUNT:,}")
    currency = before or after
    return -amount if "-" in (sign, sign_after) else amount, _CURRENCIES.get(currency, currency) or None


def parse_currency(written: str) -> str:
    """Parse the code of a currency, such as `EUR` or `€`. An empty field has none. Raise ValueError with what to write."""
    code = written.strip().upper()
    code = _CURRENCIES.get(code, code)
    if code and not _CODE.fullmatch(code):
        raise ValueError(
            f"the currency is {quoted(written)}; write a code of three letters, such as EUR or CHF"
        )
    return code


def _unsigned(digits: str, written: str) -> str:
    """Return the digits as Python writes a number."""
    if simple := _SIMPLE.fullmatch(digits):
        whole, decimals = simple.groups(default="")
        if len(decimals) == _GROUP >= len(whole) and not whole.startswith("0"):
            raise ValueError(
                f"the amount {quoted(written)} is ambiguous; write {whole}{decimals} if it has thousands, and at most two "
                "decimal places otherwise"
            )
    elif grouped := _GROUPED.fullmatch(digits):
        whole, decimals = re.sub(r"\D", "", grouped[1]), grouped[3] or ""
    else:
        raise ValueError(f"the amount is {quoted(written)}; {_FORMS}")
    if len(decimals.rstrip("0")) > _DECIMALS:
        raise ValueError(f"the amount {quoted(written)} has more than two decimal places; round it")
    return f"{whole}.{decimals or 0}"
