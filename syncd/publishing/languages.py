"""The languages of buttons, sheets and embedded chats."""

from typing import Literal

Language = Literal["de", "en"]


def language_of(tag: str) -> Language:
    """Choose the language for a language tag: German for German tags, English for all others."""
    return "de" if tag.lower().partition("-")[0] == "de" else "en"
