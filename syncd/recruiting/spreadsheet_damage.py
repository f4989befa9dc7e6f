"""Recognises job references that a spreadsheet has changed. PitchYou returns references unchanged, so none would match."""

import re
from collections.abc import Sequence
from unicodedata import category

from syncd.recruiting.csv_files import Mistakes
from syncd.shown import quoted
from syncd.store.similar_jobs import Similar

_AS_TEXT = "Give the column the type text in the spreadsheet, and enter the reference again."
# What a spreadsheet or a program shows in place of a value: #NV, #N/A, #BEZUG!, #DIV/0!, ####, NaN.
_ERROR_VALUE = re.compile(
    r"#+|#NV|#N/A|#[A-ZÄÖÜ_]+(?:/0)?[!?]|nan|nat|null|none|n/a|<na>|\(null\)", re.IGNORECASE
)
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"\d+[.,]0+")
# A spreadsheet keeps 15 digits of a number.
_ROUNDED = re.compile(r"[1-9]\d{14}0+")
_MONTH = (
    "(?:jan(?:uary?)?|feb(?:ruary?)?|mrz|m[aä]rz?|march|apr(?:il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(?:ust)?|"
    r"sept?(?:ember)?|o[kc]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_DATE = re.compile(
    r"(?:\d{1,2}\.\d{1,2}\.(?:\d{2}){1,2}|\d{1,2}/\d{1,2}/(?:\d{2}){1,2}|\d{4}-\d\d-\d\d)(?: \d{1,2}:\d\d(?::\d\d)?)?"
    rf"|\d{{1,2}}\.?[ -]?{_MONTH}(?:[ -]\d{{2,4}})?|{_MONTH}[ -]\d{{2,4}}",
    re.IGNORECASE,
)
_TRUTH = ("WAHR", "FALSCH", "TRUE", "FALSE")
# Parts of emoji and of Persian words.
_JOINERS = "\u200c\u200d"


def damage_of(reference: str) -> str | None:
    """Return what a spreadsheet seems to have done to the reference and what to do, or None. Does not repeat the reference."""
    bare = reference.strip()
    if _ERROR_VALUE.fullmatch(bare):
        return "is an error value of a spreadsheet, or a placeholder for a missing value. Enter the reference of the job."
    if _SCIENTIFIC.fullmatch(bare):
        return f"is a number in scientific notation, whose last digits may be lost. {_AS_TEXT}"
    if _ROUNDED.fullmatch(bare):
        return f"is a number of more than 15 digits, whose last digits may have become zeros. {_AS_TEXT}"
    if _DECIMAL.fullmatch(bare):
        return f"is a number with decimal places. {_AS_TEXT}"
    if _DATE.fullmatch(bare):
        return f"is a date, as a spreadsheet makes of references such as 1-2. {_AS_TEXT}"
    if bare in _TRUTH:
        return f"is a truth value of a spreadsheet. {_AS_TEXT}"
    if bare.startswith(("=", "'")):
        return "begins with = or an apostrophe, which spreadsheets need and PitchYou does not. Remove it."
    if reference != bare or any(_is_invisible(character) for character in reference):
        return "contains a blank at its beginning or end, a line break or an invisible character. Remove it."
    return None


def note_damage(mistakes: Mistakes, line_no: int, reference: str) -> None:
    """Note what a spreadsheet seems to have done to the reference in this line, if anything."""
    if damage := damage_of(reference):
        mistakes.note(line_no, f"the reference {quoted(reference)} {damage}")


def note_similar(mistakes: Mistakes, total: int, similar: Sequence[Similar]) -> None:
    """Note the new references that are similar to known ones."""
    for each in similar:
        mistakes.note(
            each.line_no,
            f"the reference {quoted(each.reference)} is new, but {quoted(each.known)} is known. If both are the same job, "
            f"a spreadsheet may have changed the reference. {_AS_TEXT}",
        )
    mistakes.note_more(total - len(similar))


def _is_invisible(character: str) -> bool:
    return (
        character not in _JOINERS
        and character != " "
        and category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    )
