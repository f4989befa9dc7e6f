"""The languages of buttons, sheets and embedded chats."""

from typing import Literal

Language = Literal["de", "en"]
