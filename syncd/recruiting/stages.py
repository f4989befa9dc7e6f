"""Recognises the stages of an application by the words that an ATS uses for them."""

from syncd.model import Stage
from syncd.recruiting.csv_header import plain
from syncd.shown import quoted

_WORDS = {
    Stage.SCREENED: ("screening", "gesichtet", "geprüft", "vorausgewählt", "Vorauswahl"),
    Stage.INTERVIEWED: (
        "interview",
        "Gespräch",
        "Vorstellungsgespräch",
        "Gespräch geführt",
        "interview geführt",
    ),
    Stage.OFFERED: ("offer", "offer made", "Angebot", "Vertragsangebot", "Angebot gemacht"),
    Stage.HIRED: ("hire", "eingestellt", "Einstellung"),
    Stage.REJECTED: ("rejection", "abgelehnt", "Ablehnung", "Absage", "abgesagt"),
    Stage.WITHDRAWN: ("withdrawal", "zurückgezogen", "Rückzug", "Bewerbung zurückgezogen"),
}
_STAGES = {plain(word): stage for stage, words in _WORDS.items() for word in (stage, *words)}


def parse_stage(written: str) -> Stage:
    """Return the stage for a word such as `hired` or `Eingestellt`. Case, blanks, `_` and `-` are ignored.

    Raises:
        ValueError: the sentence names the stages that there are.
    """
    if stage := _STAGES.get(plain(written)):
        return stage
    names = list(Stage)
    raise ValueError(f"the stage is {quoted(written)}; write {', '.join(names[:-1])} or {names[-1]}")
